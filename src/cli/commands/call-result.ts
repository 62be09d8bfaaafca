import type { Host } from '../host.ts'

/** What a sub-request answered: text with a newline behind, and the exit status that it asks for. */
export interface CallResult {
  readonly text: string
  readonly status: number
}

/** Reads the answer to a sub-request (`frontend.lint,format=json`). */
export function callResult(call: string, metadata: ReadonlyMap<string, Uint8Array>): CallResult {
  const [, ...options] = call.split(',')
  const json = options.some(option => option === 'format=json')
  const ignoreStatus = options.some(option => option === 'ignorestatus=true' || option === 'ignorestatus')
  const bytes = metadata.get(json ? 'result.json' : 'result.txt') ?? metadata.get('result.json')
  const status = metadata.get('result.statuscode')
  return {
    text: bytes === undefined ? '' : `${Buffer.from(bytes).toString('utf8').replace(/\n$/, '')}\n`,
    status: status === undefined || ignoreStatus ? 0 : Number(Buffer.from(status).toString('utf8')),
  }
}

/** Prints what a sub-request answered (`--call check`); the exit status is the one it gives. */
export function printCallResult(host: Host, call: string, metadata: ReadonlyMap<string, Uint8Array>): number {
  const { text, status } = callResult(call, metadata)
  if (text !== '') host.stdout.write(text)
  return status
}
