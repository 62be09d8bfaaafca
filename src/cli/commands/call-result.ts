import type { Host } from '../host.ts'

/** Prints what a sub-request answered (`--call check`); the exit status is the one it gives. */
export function printCallResult(host: Host, call: string, metadata: ReadonlyMap<string, Uint8Array>): number {
  const [, ...options] = call.split(',')
  const json = options.some(option => option === 'format=json')
  const ignoreStatus = options.some(option => option === 'ignorestatus=true' || option === 'ignorestatus')
  const bytes = metadata.get(json ? 'result.json' : 'result.txt') ?? metadata.get('result.json')
  if (bytes !== undefined) host.stdout.write(`${Buffer.from(bytes).toString('utf8').replace(/\n$/, '')}\n`)
  const status = metadata.get('result.statuscode')
  return status === undefined || ignoreStatus ? 0 : Number(Buffer.from(status).toString('utf8'))
}
