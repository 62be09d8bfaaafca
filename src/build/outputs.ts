import { type Stats, statSync } from 'node:fs'
import { resolve } from 'node:path'
import type { ExportEntry } from '../bake/attrs/export-entry.ts'
import type { ByteStream } from '../bytes/byte-stream.ts'
import { goErrnoTexts } from '../errors/go-system-error.ts'
import { asSlipwayError, SlipwayError } from '../errors/slipway-error.ts'
import { tryParseBool } from '../gostd/parse-number.ts'

/** Where an output that is files goes on this machine. */
export type OutputTarget =
  | { readonly kind: 'directory'; readonly path: string }
  /** An OCI layout that takes an image blob by blob. */
  | { readonly kind: 'layout'; readonly path: string }
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'stdout' }
  /** An archive that is taken by something else than a file: a docker daemon. */
  | { readonly kind: 'stream'; readonly receive: (stream: ByteStream, signal: AbortSignal) => Promise<void> }

/** One output as the daemon is asked for it; its place in the list is its number. */
export interface ResolvedOutput {
  readonly type: string
  readonly attrs: Readonly<Record<string, string>>
  readonly target?: OutputTarget
}

/** What decides about outputs besides the request. */
export interface OutputHost {
  readonly cwd: string
  readonly stdoutIsTerminal: boolean
}

/**
 * Outputs with their destinations checked; tags take the place of names that they have themselves. `cacheonly` asks for
 * nothing. Throws `invalid-argument` in buildx's words.
 * Behaviour: https://github.com/docker/buildx/blob/v0.36.1/build/opt.go
 */
export function resolveOutputs(
  outputs: readonly ExportEntry[],
  tags: readonly string[],
  host: OutputHost,
): readonly ResolvedOutput[] {
  const resolved = outputs
    .filter(output => output.type !== 'cacheonly')
    .map(output => resolveOutput(output, tags, host))
  if (resolved.filter(output => output.target?.kind === 'stdout').length > 1) {
    throw new SlipwayError('invalid-argument', 'multiple outputs configured to write to stdout')
  }
  return resolved
}

function resolveOutput(output: ExportEntry, tags: readonly string[], host: OutputHost): ResolvedOutput {
  const { type, destination: dest } = output
  const attrs: Record<string, string> = { ...output.attributes }
  if (tags.length > 0 && ['image', 'registry', 'oci', 'docker', 'moby'].includes(type))
    attrs['name'] = tags.join(',')
  switch (type) {
    case 'local':
      return { type, attrs, target: { kind: 'directory', path: directoryOf(type, dest, host) } }
    case 'oci':
    case 'tar':
      if (type === 'oci' && isLayout(attrs))
        return { type, attrs, target: { kind: 'layout', path: directoryOf(type, dest, host) } }
      return { type, attrs, target: fileTarget(type, dest ?? '-', host) }
    case 'docker':
      if (isLayout(attrs))
        return { type, attrs, target: { kind: 'layout', path: directoryOf(type, dest, host) } }
      return dest === undefined || dest === ''
        ? { type, attrs }
        : { type, attrs, target: fileTarget(type, dest, host) }
    case 'registry':
      if ((attrs['name'] ?? '') === '') throw tagNeeded()
      return { type: 'image', attrs: { push: 'true', ...attrs } }
    case 'image':
      if (attrs['push'] === 'true' && (attrs['name'] ?? '') === '') throw tagNeeded()
      return { type, attrs }
    default:
      return { type, attrs }
  }
}

const tagNeeded = (): SlipwayError =>
  new SlipwayError('invalid-argument', 'tag is needed when pushing to registry', {
    hint: 'give the image a name with --tag',
  })

/** `tar=false`; whether the value makes sense is for the exporter. */
const isLayout = (attrs: Readonly<Record<string, string>>): boolean =>
  tryParseBool(attrs['tar'] ?? '') === false

function directoryOf(type: string, dest: string | undefined, host: OutputHost): string {
  if (dest === undefined || dest === '')
    throw new SlipwayError('invalid-argument', `dest is required for ${type} exporter`)
  if (dest === '-') throw new SlipwayError('invalid-argument', `dest cannot be stdout for ${type} exporter`)
  const path = resolve(host.cwd, dest)
  const found = statDestination('directory', path, dest)
  if (found !== undefined && !found.isDirectory())
    throw new SlipwayError('invalid-argument', `destination directory ${dest} is a file`)
  return path
}

function fileTarget(type: string, dest: string, host: OutputHost): OutputTarget {
  if (dest === '-' || dest === '') {
    if (host.stdoutIsTerminal) {
      throw new SlipwayError(
        'invalid-argument',
        `dest file is required for ${type} exporter. refusing to write to console`,
      )
    }
    return { kind: 'stdout' }
  }
  const path = resolve(host.cwd, dest)
  if (statDestination('file', path, dest)?.isDirectory()) {
    throw new SlipwayError('invalid-argument', `destination file ${dest} is a directory`)
  }
  return { kind: 'file', path }
}

/** What is at a destination, undefined where nothing is. Throws where there can be nothing: below a file, say. */
function statDestination(what: 'directory' | 'file', path: string, dest: string): Stats | undefined {
  try {
    return statSync(path)
  } catch (error) {
    const errno = error instanceof Error && 'code' in error ? String(error.code) : ''
    if (errno === 'ENOENT') return undefined
    const text = goErrnoTexts[errno] ?? asSlipwayError(error).message
    throw new SlipwayError(
      asSlipwayError(error).code,
      `invalid destination ${what}: ${dest}: stat ${dest}: ${text}`,
      { cause: error },
    )
  }
}
