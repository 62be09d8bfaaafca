import { statSync } from 'node:fs'
import { join } from 'node:path'
import { asSlipwayError, SlipwayError } from '../errors/slipway-error.ts'
import type { Host } from './host.ts'

type DetailsHost = Pick<Host, 'env' | 'stderr'>

/** A build as history knows it, `builder/node/id`, as a detail of its failure. */
const refType = 'slipway.BuildRef'

/**
 * The lines that lead to builds in Docker Desktop, for those who use that; empty for others. `refs` are `builder/node/id`
 * by target, of which only several are named.
 * Behaviour: https://github.com/docker/buildx/blob/v0.36.1/util/desktop/desktop.go, row J19.
 */
export function buildDetails({ env, stderr }: DetailsHost, refs: ReadonlyMap<string, string>): string {
  const used = join(env['HOME'] ?? '', '.docker', 'desktop-build', '.lastaccess')
  if (refs.size === 0 || !env['HOME'] || statSync(used, { throwIfNoEntry: false }) === undefined) return ''
  const links = [...refs].map(([target, ref]) => {
    const url = `docker-desktop://dashboard/build/${ref}`
    const link = stderr.isTTY ? `\u001b]8;;${url}\u001b\\${url}\u001b]8;;\u001b\\` : url
    return refs.size === 1 ? link : `\n  ${target}: ${link}`
  })
  return `\nView build details: ${links.join('')}\n`
}

/** The failure of a build, so that `failedDetails` knows which. */
export function withBuildRef(thrown: unknown, ref: string): SlipwayError {
  const { code, message, hint, exitCode, sources, details } = asSlipwayError(thrown)
  return new SlipwayError(code, message, {
    cause: thrown,
    sources,
    details: [...details, { type: refType, ref }],
    ...(hint === undefined ? {} : { hint }),
    ...(exitCode === undefined ? {} : { exitCode }),
  })
}

/** The line that leads to the build that an error is of; empty for other errors. */
export function failedDetails(host: DetailsHost, error: SlipwayError): string {
  const ref = error.details.find(({ type }) => type === refType)?.['ref']
  return typeof ref === 'string' ? buildDetails(host, new Map([['default', ref]])) : ''
}
