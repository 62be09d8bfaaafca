import { gitState } from '../dockerfile/git/git-state.ts'
import { SlipwayError, wrapError } from '../errors/slipway-error.ts'
import { tryParseBool } from '../gostd/parse-number.ts'
import { file, sourcePath } from '../llb/file.ts'
import { http } from '../llb/http-source.ts'
import { definitionState } from '../llb/import-definition.ts'
import { scratch, type State } from '../llb/state.ts'
import { attribute } from './attributes.ts'
import { isArchive } from './archive.ts'
import { type FrontendScope, solveState } from './scope.ts'

/** Where a build reads its files and its Dockerfile. */
export interface BuildContext {
  /** Undefined for a local directory. */
  readonly state: State | undefined
  /** Tree that holds the Dockerfile; undefined for a local directory. */
  readonly dockerfile: State | undefined
  readonly contextName: string
  readonly dockerfileName: string
  /** Path of the Dockerfile in its tree. */
  readonly filename: string
  /** The remote source itself, for its time. */
  readonly source: State | undefined
}

/**
 * Finds out what the context is: a Git repository, a download (an archive, or a lone Dockerfile), a tree of another
 * build, or a local directory. Throws `invalid-argument`, and what reading fails with.
 */
export async function detectBuildContext<Ref>(scope: FrontendScope<Ref>): Promise<BuildContext> {
  const { attributes } = scope
  const localDockerfile = attribute(attributes, 'dockerfilekey')
  const base: BuildContext = {
    state: undefined,
    dockerfile: undefined,
    contextName: 'context',
    dockerfileName: localDockerfile ?? 'dockerfile',
    filename: attribute(attributes, 'filename') ?? 'Dockerfile',
    source: undefined,
  }
  const text = attribute(attributes, attribute(attributes, 'contextkey') ?? 'context') ?? ''
  const found =
    gitContext(text, scope, base) ??
    (await httpContext(text, scope, base)) ??
    (await inputContext(scope, base))
  const scoped = withSubdir(found, attribute(attributes, 'contextsubdir'))
  return localDockerfile === undefined ? scoped : { ...scoped, dockerfile: undefined }
}

function gitContext<Ref>(
  text: string,
  scope: FrontendScope<Ref>,
  base: BuildContext,
): BuildContext | undefined {
  const keep = attribute(scope.attributes, 'build-arg:BUILDKIT_CONTEXT_KEEP_GIT_DIR') ?? ''
  const hasEpoch = (attribute(scope.attributes, 'build-arg:SOURCE_DATE_EPOCH') ?? '') !== ''
  const state = gitState(text, tryParseBool(keep) === true, hasEpoch ? 'commit' : '')
  return state === undefined ? undefined : { ...base, state, dockerfile: state, source: state }
}

const downloadName = 'context'
/** Enough to recognise an archive, in bytes. */
const headerLength = 1024

async function httpContext<Ref>(
  text: string,
  scope: FrontendScope<Ref>,
  base: BuildContext,
): Promise<BuildContext | undefined> {
  if (!/^https?:\/\//.test(text)) return undefined
  const source = http(text, { filename: downloadName, name: '[internal] load remote build context' })
  const ref = await solveState(source, scope).catch((error: unknown) => {
    throw wrapError('failed to resolve httpcontext', error)
  })
  const range = { offset: 0, length: headerLength }
  const header = await scope.bridge
    .readFile(ref, downloadName, range, scope.signal)
    .catch((error: unknown) => {
      throw wrapError('failed to read downloaded context', error)
    })
  if (!isArchive(header)) {
    return { ...base, state: source, dockerfile: source, filename: downloadName, source }
  }
  const unpack = {
    kind: 'copy' as const,
    from: source.output,
    source: `/${downloadName}`,
    destination: '/',
    unpack: true,
  }
  const state = file(scratch, [unpack])
  return { ...base, state, dockerfile: state, source }
}

async function inputContext<Ref>(scope: FrontendScope<Ref>, base: BuildContext): Promise<BuildContext> {
  const inputs = await scope.bridge.inputs(scope.signal).catch((error: unknown) => {
    throw wrapError('failed to get frontend inputs', error)
  })
  const input = (name: string): State | undefined => {
    const definition = Object.hasOwn(inputs, name) ? inputs[name] : undefined
    return definition === undefined ? undefined : definitionState(definition)
  }
  return { ...base, dockerfile: input(base.dockerfileName), state: input('context') }
}

function withSubdir(context: BuildContext, subdir: string | undefined): BuildContext {
  const { state } = context
  if (state === undefined || subdir === undefined) return context
  if (subdir.includes('\0')) throw new SlipwayError('invalid-argument', 'invalid contextsubdir')
  const copy = {
    kind: 'copy' as const,
    from: state.output,
    source: sourcePath(state, subdir),
    destination: '/',
    contentsOnly: true,
  }
  return { ...context, state: file(scratch, [copy]) }
}
