import { detectSyntax } from '../dockerfile/parser/directive.ts'
import { locatedError } from '../dockerfile/parser/location.ts'
import { trimSpace } from '../dockerfile/parser/white-space.ts'
import { decodeName } from '../bytes/path-string.ts'
import { asSlipwayError, SlipwayError, wrapError } from '../errors/slipway-error.ts'
import type { Range } from '../errors/source-range.ts'
import { type Attributes, attribute } from './attributes.ts'
import type { FrontendResult } from './result.ts'
import type { FrontendScope } from './scope.ts'
import { builtInVersion, isBuiltInSyntax, newerSyntaxHint } from './syntax-image.ts'

/** Another frontend that a build asks for. */
export interface ForwardTarget {
  /** The image. */
  readonly source: string
  /** The whole value, with what follows the image. */
  readonly commandLine: string
  /** The line that asks for it; undefined where the build arg does. */
  readonly ranges: readonly Range[] | undefined
}

const syntaxArg = 'build-arg:BUILDKIT_SYNTAX'

/**
 * The frontend to be run instead of this one; a frontend that was itself started so (`cmdline`) goes on. Where the image
 * that is asked for is built in, a line among the steps says so.
 */
export async function findForward<Ref>(
  dockerfile: Uint8Array,
  scope: FrontendScope<Ref>,
): Promise<ForwardTarget | undefined> {
  const wanted = askedFor(dockerfile, scope.attributes)
  if (wanted === undefined || !isBuiltInSyntax(wanted.source)) return wanted
  if (wanted.source !== 'dockerfile.v0') {
    await scope.bridge.note(`[internal] frontend ${wanted.source} is built in (version ${builtInVersion})`)
  }
  return undefined
}

function askedFor(dockerfile: Uint8Array, attributes: Attributes): ForwardTarget | undefined {
  if (attribute(attributes, 'cmdline') !== undefined) return undefined
  const wanted = attribute(attributes, syntaxArg)
  if (wanted !== undefined) {
    const source = trimSpace(wanted).split(' ', 1)[0] as string
    return { source, commandLine: wanted, ranges: undefined }
  }
  const found = detectSyntax(decodeName(dockerfile))
  return found && { source: found.value, commandLine: found.rest, ranges: found.ranges }
}

/** Lets the engine run the other frontend. Its failures point at the line that asks for it. */
export async function forward<Ref>(
  target: ForwardTarget,
  scope: FrontendScope<Ref>,
): Promise<FrontendResult<Ref>> {
  const { bridge, attributes, signal } = scope
  try {
    const inputs = await bridge.inputs(signal)
    const given = { ...attributes, cmdline: target.commandLine, source: target.source }
    return await bridge.forward({ frontend: 'gateway.v0', attributes: given, inputs }, signal)
  } catch (e) {
    const hint = newerSyntaxHint(target.source)
    const given = asSlipwayError(e)
    const error = hint === undefined || given.hint !== undefined ? given : withHint(given, hint)
    if (error.sources.length > 0) throw error
    if (target.ranges !== undefined) throw locatedError(error, target.ranges)
    throw wrapError(`failed with ${syntaxArg} = ${target.commandLine}`, error)
  }
}

function withHint(error: SlipwayError, hint: string): SlipwayError {
  const { code, message, cause, sources, details } = error
  return new SlipwayError(code, message, { cause, sources, details, hint })
}
