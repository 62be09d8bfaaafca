import { codes } from '../errors/codes.ts'
import { asSlipwayError } from '../errors/slipway-error.ts'
import { sourceExcerpt } from '../progress/source-excerpt.ts'
import { failedDetails } from './build-details.ts'
import type { Host } from './host.ts'

/** Detail by which a source policy tells why it refused: its `message` is printed before the error. */
export const denyMessageType = 'moby.buildkit.v1.sourcepolicy.policysession.DenyMessage'

/**
 * Prints an error as the last words of a command: why a policy refused, excerpts of the files it is about, the message
 * behind `ERROR: `, the hint, which names commands as the user calls them: `docker buildx ls` for a plugin. With `debug` the
 * stack and what caused it follow. Where a build failed, the way to it in Docker Desktop is last. Answers the exit status.
 */
export function printError(
  host: Host,
  thrown: unknown,
  options: { readonly debug: boolean; readonly path?: string },
): number {
  const error = asSlipwayError(thrown)
  const { stderr } = host
  for (const detail of error.details) {
    if (detail.type === denyMessageType && typeof detail['message'] === 'string') {
      stderr.write(`Policy: ${detail['message']}\n`)
    }
  }
  for (const source of error.sources) stderr.write(sourceExcerpt(source))
  stderr.write(`ERROR: ${error.message}\n`)
  if (error.hint !== undefined) {
    const hint = error.hint.replaceAll('`slipway ', () => `\`${options.path ?? 'slipway'} `)
    stderr.write(`hint: ${hint}\n`)
  }
  if (options.debug) stderr.write(`${stacks(thrown)}\n`)
  stderr.write(failedDetails(host, error))
  return error.exitCode ?? codes[error.code].exit
}

function stacks(thrown: unknown): string {
  const parts: string[] = []
  for (let error = thrown; error instanceof Error; error = error.cause)
    parts.push(error.stack ?? error.message)
  return parts.join('\ncaused by ')
}
