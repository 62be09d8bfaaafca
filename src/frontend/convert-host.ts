import { decodeName } from '../bytes/path-string.ts'
import type { ConvertHost } from '../dockerfile/convert/host.ts'
import { parseIgnoreFile } from '../dockerfile/ignore/ignore-file.ts'
import { wrapError } from '../errors/slipway-error.ts'
import { local } from '../llb/source.ts'
import type { State } from '../llb/state.ts'
import type { BuildContext } from './build-context.ts'
import type { Entrypoint } from './entrypoint.ts'
import { findNamedContext } from './named-context.ts'
import { readIgnoreFile } from './read-ignore.ts'
import { type FrontendScope, lazily, sessionOf, solveState } from './scope.ts'
import { sourceTime } from './source-time.ts'

/** Answers what the conversion asks, through the bridge; lookups are shared by all platforms of a build. */
export function createConvertHost<Ref>(
  context: BuildContext,
  entrypoint: Entrypoint,
  scope: FrontendScope<Ref>,
): ConvertHost {
  const { bridge, config } = scope
  const patterns = lazily(() => readPatterns(context, entrypoint, scope))
  return {
    resolveImage: (name, request, signal) => bridge.resolveImage(name, request, signal),
    namedContext: (name, request) => findNamedContext(name, request, scope),
    ignorePatterns: async () => (context.state === undefined ? await patterns() : []),
    isNoCache: stage =>
      config.noCache !== undefined &&
      (config.noCache.length === 0 ||
        config.noCache.some(name => name.toLowerCase() === stage.toLowerCase())),
    sourceTime: (state, logName) => sourceTime(state, logName, scope),
    mainContext: async paths =>
      context.state ??
      mainContext(context, paths, await inContext(patterns, 'failed to read dockerignore patterns'), scope),
  }
}

async function inContext<T>(load: () => Promise<T>, what: string): Promise<T> {
  try {
    return await load()
  } catch (error) {
    throw wrapError(what, error)
  }
}

function mainContext<Ref>(
  context: BuildContext,
  paths: readonly string[] | undefined,
  exclude: readonly string[],
  scope: FrontendScope<Ref>,
): State {
  return local(context.contextName, {
    sessionId: sessionOf(context.contextName, scope),
    exclude,
    sharedKeyHint: context.contextName,
    name: '[internal] load build context',
    ...(paths === undefined ? {} : { follow: paths }),
  })
}

/** The ignore file beside the Dockerfile, else that of the context. */
async function readPatterns<Ref>(
  context: BuildContext,
  entrypoint: Entrypoint,
  scope: FrontendScope<Ref>,
): Promise<string[]> {
  const own = entrypoint.ignoreFile
  const name = own === undefined ? '.dockerignore' : `${entrypoint.file.filename}.dockerignore`
  const data = own ?? (await readContextIgnore(context, scope))
  return await inContext(async () => parseIgnoreFile(decodeName(data)), `failed parsing ${name}`)
}

async function readContextIgnore<Ref>(context: BuildContext, scope: FrontendScope<Ref>): Promise<Uint8Array> {
  const { contextName } = context
  const state = local(contextName, {
    sessionId: sessionOf(contextName, scope),
    follow: ['.dockerignore'],
    sharedKeyHint: `${contextName}-.dockerignore`,
    name: '[internal] load .dockerignore',
    differ: { type: 'none', required: false },
  })
  const ref = await solveState(state, scope)
  return (await readIgnoreFile(ref, '.dockerignore', scope)) ?? new Uint8Array()
}
