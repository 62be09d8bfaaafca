import { join } from 'node:path'
import type { BuildRequest } from '../../build/build-request.ts'
import type { SlipwayError } from '../../errors/slipway-error.ts'
import type { Host } from '../host.ts'
import { lintReport } from '../lint-report.ts'

/** What a sub-request answered: text with a newline behind, and the exit status that it asks for. */
export interface CallResult {
  readonly text: string
  readonly status: number
  /** A mistake that the check found; it is the command's error once the text is printed. */
  readonly error?: SlipwayError
}

/** Reads the answer to the sub-request of a build (`frontend.lint,format=json`). */
export function callResult(request: BuildRequest, metadata: ReadonlyMap<string, Uint8Array>): CallResult {
  const [method = '', ...options] = (request.call ?? '').split(',')
  const json = options.some(option => option === 'format=json')
  const ignoreStatus = options.some(option => option === 'ignorestatus=true' || option === 'ignorestatus')
  const answer = metadata.get('result.json')
  const given = metadata.get('result.statuscode')
  const status = given === undefined || ignoreStatus ? 0 : Number(Buffer.from(given).toString('utf8'))
  const bytes = metadata.get(json ? 'result.json' : 'result.txt') ?? answer
  const answered = Buffer.from(bytes ?? '').toString('utf8')
  const text = answered === '' || answered.endsWith('\n') ? answered : `${answered}\n`
  if (method !== 'frontend.lint' || answer === undefined) return { text, status }
  const report = lintReport(answer, shownName(request))
  return { ...report, status, ...(json ? { text } : {}) }
}

/** Prints what a sub-request answered (`--call check`); the exit status is the one it gives. Throws what it found broken. */
export function printCallResult(
  host: Host,
  request: BuildRequest,
  metadata: ReadonlyMap<string, Uint8Array>,
): number {
  const { text, status, error } = callResult(request, metadata)
  if (text !== '') host.stdout.write(text)
  if (error !== undefined) throw error
  return status
}

/** How the user knows the Dockerfile. */
function shownName({ context, dockerfile = '', dockerfileInline }: BuildRequest): string {
  if (dockerfileInline !== undefined) return 'inline'
  if (dockerfile === '-') return 'stdin'
  if (dockerfile !== '') return dockerfile
  return context === '-' ? 'Dockerfile' : join(context, 'Dockerfile')
}
