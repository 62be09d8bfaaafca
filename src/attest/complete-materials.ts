import { SlipwayError } from '../errors/slipway-error.ts'
import type { Capture } from './capture.ts'
import type { UnknownRequest } from './sources.ts'

/**
 * Throws `unknown` (`provenance materials are incomplete`), in BuildKit's words, where something that went into a tree is
 * not known by digest. Source: https://github.com/moby/buildkit/blob/v0.32.2/solver/llbsolver/provenance.go
 */
export function checkComplete({ incomplete, locals, unknownRequests }: Capture): void {
  if (!incomplete && locals.length === 0) return
  const paragraphs = [
    'provenance materials are incomplete',
    'The build requested complete provenance materials, but not all dependencies could be captured.',
  ]
  if (locals.length > 0) {
    const lines = locals.map(name => `  - ${name || '<unnamed>'}\n    reason: local_source`)
    paragraphs.push(['Uncaptured local sources:', ...lines].join('\n'))
  }
  if (unknownRequests.length > 0)
    paragraphs.push(['Uncaptured requests:', ...unknownRequests.map(requestLines)].join('\n'))
  const details = [
    ...locals.map(name => ({ name, reason: 'local_source' })),
    ...unknownRequests.map(({ op, name, method, uri, reason }) => ({ op, name, method, uri, reason })),
  ]
  throw new SlipwayError('unknown', paragraphs.join('\n\n'), {
    details: [{ type: 'errdefs.ProvenanceMaterialsIncomplete', incomplete: details }],
  })
}

const requestLines = ({ name, op, method, uri, reason }: UnknownRequest): string =>
  `  - ${name || op}\n    method: ${method}\n    url: ${uri}\n    reason: ${reason}`
