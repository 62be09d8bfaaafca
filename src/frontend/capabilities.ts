import { SlipwayError } from '../errors/slipway-error.ts'

const known = [
  'moby.buildkit.frontend.inputs',
  'moby.buildkit.frontend.subrequests',
  'moby.buildkit.frontend.contexts',
  'moby.buildkit.frontend.gitquerystring',
]

/** What is to be said of capabilities that a client asks for and that are not known. */
export interface MissingCapability {
  readonly error: SlipwayError
  /** Another frontend, that the file names, may have it. */
  readonly mayForward: boolean
}

/** Looks at `frontend.caps`: a comma list of names, each perhaps with `+forward`. */
export function missingCapability(text: string): MissingCapability | undefined {
  let missing: MissingCapability | undefined
  for (const entry of text === '' ? [] : text.split(',')) {
    const name = entry.split('+', 1)[0] as string
    if (known.includes(name)) continue
    const error = new SlipwayError('unimplemented', `unsupported frontend capability ${name}`, {
      details: [{ type: 'errdefs.FrontendCap', name }],
    })
    if (!entry.includes('+forward')) return { error, mayForward: false }
    missing = { error, mayForward: true }
  }
  return missing
}
