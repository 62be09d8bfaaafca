import { posix } from 'node:path'
import { asSlipwayError, isSlipwayError, SlipwayError, wrapError } from '../errors/slipway-error.ts'
import { joinPath } from '../llb/join-path.ts'
import type { SourceFile } from '../llb/options.ts'
import { local } from '../llb/source.ts'
import { headOf } from '../llb/head.ts'
import type { BuildContext } from './build-context.ts'
import { readIgnoreFile } from './read-ignore.ts'
import { definitionOf, type FrontendScope, sessionOf } from './scope.ts'

/** The Dockerfile, and the ignore file beside it. */
export interface Entrypoint {
  readonly file: SourceFile
  /** Digest of the op that yields it; warnings are shown there. */
  readonly vertex: string
  readonly ignoreFile: Uint8Array | undefined
}

/**
 * Reads the Dockerfile (`dockerfile` will do where `Dockerfile` is wanted) and `<name>.dockerignore`. Throws what reading
 * fails with, `failed to read dockerfile: …`.
 */
export async function readEntrypoint<Ref>(
  context: BuildContext,
  scope: FrontendScope<Ref>,
): Promise<Entrypoint> {
  const { filename, dockerfileName } = context
  const state =
    context.dockerfile ??
    local(dockerfileName, {
      follow: filesToTransfer(filename),
      sessionId: sessionOf(dockerfileName, scope),
      sharedKeyHint: dockerfileName,
      name: `[internal] load build definition from ${filename}`,
      differ: { type: 'none', required: false },
    })
  const definition = definitionOf(state, scope)
  const ref = await scope.bridge.solve({ definition }, scope.signal).catch((error: unknown) => {
    throw wrapError('failed to read dockerfile', error)
  })
  const data = await readDockerfile(ref, filename, scope)
  const ignoreFile = await readIgnoreFile(ref, `${filename}.dockerignore`, scope)
  return {
    file: { filename, language: 'Dockerfile', data, definition },
    vertex: headOf(definition),
    ignoreFile,
  }
}

function lowerCased(filename: string): string | undefined {
  return posix.basename(filename) === 'Dockerfile'
    ? joinPath(posix.dirname(filename), 'dockerfile')
    : undefined
}

function filesToTransfer(filename: string): string[] {
  const lower = lowerCased(filename)
  return [filename, `${filename}.dockerignore`, ...(lower === undefined ? [] : [lower])]
}

async function readDockerfile<Ref>(
  ref: Ref | undefined,
  filename: string,
  scope: FrontendScope<Ref>,
): Promise<Uint8Array> {
  const { bridge, signal } = scope
  try {
    return await bridge.readFile(ref, filename, undefined, signal)
  } catch (error) {
    const lower = lowerCased(filename)
    const other = lower && (await bridge.readFile(ref, lower, undefined, signal).catch(() => undefined))
    if (other) return other
    const hint = `the build needs ${filename} in the directory of the Dockerfile; another name is given with --file`
    // What the tree is made from may be missing as well, and says so in other words.
    const isMissing =
      isSlipwayError(error) && error.code === 'not-found' && /^open \S.*: no such file/.test(error.message)
    // The name as it was asked for, which the message of a read in a tree begins with a slash.
    const missing = isMissing
      ? new SlipwayError(error.code, `open ${filename}: no such file or directory`)
      : error
    const isDenied = asSlipwayError(error).code === 'permission-denied'
    const extra = isMissing ? { hint } : isDenied ? { hint: 'make it readable' } : {}
    throw wrapError('failed to read dockerfile', missing, extra)
  }
}
