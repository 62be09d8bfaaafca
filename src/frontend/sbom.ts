import { asSlipwayError, SlipwayError } from '../errors/slipway-error.ts'
import { exec, mountIndex } from '../llb/exec.ts'
import { marshal } from '../llb/marshal.ts'
import { image } from '../llb/source.ts'
import { joinPath } from '../llb/join-path.ts'
import { scratch, type State, withDir, withEnv } from '../llb/state.ts'
import { type ExecMount, outputOf } from '../llb/vertex.ts'
import type { Platform } from '../oci/descriptor.ts'
import { parseImageConfig } from '../oci/image-config.ts'
import type { Converted } from '../dockerfile/convert/convert.ts'
import type { ImageMeta } from './bridge.ts'
import type { BuildConfig } from './build-config.ts'
import type { Attestation } from './result.ts'
import { createBuiltinScanner } from './builtin-scanner.ts'
import { builtinGenerator, type SbomRequest } from './sbom-request.ts'
import type { FrontendScope } from './scope.ts'

/** What is scanned: a result, and further trees by name that the user wants to be looked into. */
export type Scanned = Pick<Converted, 'state' | 'scanExtras' | 'ignoresCache'>

/** What scanners work with. */
export interface ScannerScope<Ref> extends Pick<FrontendScope<Ref>, 'bridge' | 'uniqueId' | 'signal'> {
  readonly config: Pick<BuildConfig, 'buildPlatforms' | 'resolveMode'>
  /** Value of SOURCE_DATE_EPOCH, if one was given. */
  readonly epoch?: string | undefined
}

/** Makes the bill of materials of one platform's result. */
export type Scanner<Ref> = (id: string, converted: Scanned, signal?: AbortSignal) => Promise<Attestation<Ref>>

/**
 * The scanner that the request names. The default one is an image of Docker Hub; where that cannot be had, the built-in
 * scanner takes its place, and the name of its step says so.
 */
export async function createScanner<Ref>(
  request: SbomRequest,
  scope: ScannerScope<Ref>,
): Promise<Scanner<Ref>> {
  const { bridge, config, signal } = scope
  if (request.generator === builtinGenerator) return createBuiltinScanner(scope, spdxBundle, '')
  const platform = config.buildPlatforms[0] ?? bridge.facts.hostPlatform
  const lookup = { platform, resolveMode: config.resolveMode, logName: '' }
  let meta: ImageMeta
  try {
    meta = await bridge.resolveImage(request.generator, lookup, signal)
  } catch (e) {
    if (request.isDefault !== true || signal?.aborted || asSlipwayError(e).code === 'permission-denied')
      throw e
    return createBuiltinScanner(scope, spdxBundle, ` (${request.generator} cannot be pulled)`)
  }
  return imageScanner(meta, platform, request, scope)
}

/**
 * A scanner that is an image: it sees the result, and what else is to be scanned, below /run/src and writes SPDX files to
 * /run/out. Source: https://github.com/moby/buildkit/blob/v0.32.2/docs/attestations/sbom-protocol.md
 */
function imageScanner<Ref>(
  meta: ImageMeta,
  platform: Platform,
  request: SbomRequest,
  scope: ScannerScope<Ref>,
): Scanner<Ref> {
  const { bridge, signal } = scope
  const settings = parseImageConfig(meta.config).config
  const args = [...(settings.Entrypoint ?? []), ...(settings.Cmd ?? [])]
  if (args.length === 0) {
    throw new SlipwayError('invalid-argument', `scanner ${meta.name} does not have cmd`)
  }
  const base = withDir(image(meta.name, { platform }), settings.WorkingDir || '/')
  const env = settings.Env ?? []
  return async (id, converted, abort) => {
    const name = `[${id}] generating sbom using ${meta.name}`
    const scan = scanState(base, { args, env, name, platform, parameters: request.parameters }, converted)
    const definition = marshal(scan.output, {
      platform: bridge.facts.hostPlatform,
      localUniqueId: scope.uniqueId,
    })
    return spdxBundle(await bridge.solve({ definition }, abort ?? signal))
  }
}

function spdxBundle<Ref>(ref: Ref | undefined): Attestation<Ref> {
  const encoder = new TextEncoder()
  return {
    kind: 'bundle',
    ref,
    path: '',
    metadata: new Map([
      ['reason', encoder.encode('sbom')],
      ['sbom-core', encoder.encode('sbom')],
    ]),
    predicateType: 'https://spdx.dev/Document',
  }
}

interface Scan {
  readonly args: readonly string[]
  readonly env: readonly string[]
  readonly name: string
  readonly platform: Platform
  readonly parameters: Readonly<Record<string, string>>
}

function scanState(base: State, scan: Scan, converted: Scanned): State {
  const extras = [...converted.scanExtras].sort(([a], [b]) => (a < b ? -1 : 1))
  const core = '/run/src/core/sbom'
  let state = base
  for (const entry of scan.env) {
    const at = entry.indexOf('=')
    state = withEnv(state, at < 0 ? entry : entry.slice(0, at), at < 0 ? '' : entry.slice(at + 1))
  }
  state = withEnv(state, 'BUILDKIT_SCAN_DESTINATION', '/run/out/')
  state = withEnv(state, 'BUILDKIT_SCAN_SOURCE', core)
  if (extras.length > 0) state = withEnv(state, 'BUILDKIT_SCAN_SOURCE_EXTRAS', '/run/src/extras')
  for (const [name, value] of Object.entries(scan.parameters).sort(([a], [b]) => (a < b ? -1 : 1))) {
    state = withEnv(state, `BUILDKIT_SCAN_${name}`, value)
  }
  const mounts: ExecMount[] = [
    { target: '/tmp', source: undefined, tmpfs: { size: 0 } },
    { target: core, source: converted.state.output, readonly: true },
    ...extras.map(([name, tree]) => ({
      target: joinPath('/run/src/extras', `sbom-${name}`),
      source: tree.output,
      readonly: true,
    })),
    { target: '/run/out/', source: undefined },
  ]
  const { args, name } = scan
  const vertex = exec(state, { args, name, mounts, ignoreCache: converted.ignoresCache })
  return { ...scratch, output: outputOf(vertex, mountIndex(vertex, '/run/out/')) }
}
