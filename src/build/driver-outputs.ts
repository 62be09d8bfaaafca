import type { DriverFeatures } from '../builder/builder.ts'
import type { ByteStream } from '../bytes/byte-stream.ts'
import { SlipwayError } from '../errors/slipway-error.ts'
import { formatPlatform, type Platform } from '../oci/platform.ts'
import { strictPlatform } from '../oci/platform-match.ts'
import type { BuildRequest } from './build-request.ts'
import { nativeArchive } from './native-archive.ts'
import type { ResolvedOutput } from './outputs.ts'

/** What decides about outputs besides the request: who builds, and where images may be loaded. */
export interface OutputSituation {
  /** Name of the driver. */
  readonly driver: string
  readonly features: DriverFeatures
  /** How `--load` reaches a docker daemon; undefined where none answers. */
  readonly load: LoadTarget | undefined
  /** BUILDX_NO_DEFAULT_LOAD: a result without an output goes nowhere. */
  readonly noDefaultLoad: boolean
  /** BUILDX_NO_DEFAULT_OCI_ARTIFACT: statements are manifests of the old form where nothing else is asked for. */
  readonly noDefaultOciArtifact: boolean
  /** Several nodes build: their archives are merged here, so that they need not know indexes. */
  readonly merges: boolean
  /** What docker runs by itself. */
  readonly hostPlatform: Platform
  readonly tempDir: string
}

/** A docker daemon that takes images. */
export interface LoadTarget {
  /** It takes OCI archives, and images of several platforms with them. */
  readonly takesOci: boolean
  readonly receive: (stream: ByteStream, signal: AbortSignal) => Promise<void>
}

/** Outputs as one driver is asked for them. */
export interface DriverOutputs {
  readonly outputs: readonly ResolvedOutput[]
  /** Statements that the driver can make. */
  readonly attests: BuildRequest['attests']
  /** Names that docker is asked to push once they are built: its classic store does not push from a build. */
  readonly pushByDocker: readonly string[]
  /** Results are known by the digest of their manifest or index, not of their configuration. */
  readonly prefersImageDigest: boolean
  /** What the user should know, a line each. */
  readonly notes: readonly string[]
}

/** The statement that is asked for when nothing is said about it; drivers that cannot make it leave it out. */
export const defaultProvenance = 'mode=min,inline-only=true'

/**
 * Turns outputs into what a driver understands. Throws `failed-precondition` in buildx's words for what it cannot do.
 * Behaviour: https://github.com/docker/buildx/blob/v0.36.1/build/opt.go, rows C41, C42, C59, S0-17.
 */
export function driverOutputs(
  request: BuildRequest,
  resolved: readonly ResolvedOutput[],
  situation: OutputSituation,
): DriverOutputs {
  const { driver, features } = situation
  const isDocker = driver === 'docker'
  if (request.platforms.length > 1 && !features.multiPlatform) {
    throw notSupported('Multi-platform build', driver, 'https://docs.docker.com/go/build-multi-platform/')
  }
  const notes: string[] = []
  const wanted = request.outputs.length === 0 ? defaultOutputs(request, resolved, situation, notes) : resolved
  const push: string[] = []
  const outputs = wanted.map(output => {
    if (output.type === 'oci' && !features.ociExporter) {
      throw notSupported('OCI exporter', driver, 'https://docs.docker.com/go/build-exporters/')
    }
    const chosen = output.type === 'docker' ? dockerOutput(request, output, situation, notes) : output
    const made = isDocker && chosen.type === 'image' ? mobyOutput(chosen, features, push) : chosen
    return situation.noDefaultOciArtifact && features.attestations ? withoutArtifacts(made) : made
  })
  if (!features.cacheExport && request.cacheTo.some(entry => entry.type !== 'inline')) {
    throw notSupported('Cache export', driver, 'https://docs.docker.com/go/build-cache-backends/')
  }
  const prefersImageDigest = outputs.some(
    output =>
      (output.type === 'moby' && features.prefersImageDigest === true) ||
      (output.target?.kind === 'stream' && situation.load?.takesOci === true),
  )
  return { outputs, attests: attestsFor(request, situation), pushByDocker: push, prefersImageDigest, notes }
}

function withoutArtifacts(output: ResolvedOutput): ResolvedOutput {
  if (!['image', 'moby', 'oci'].includes(output.type) || 'oci-artifact' in output.attrs) return output
  return { ...output, attrs: { ...output.attrs, 'oci-artifact': 'false' } }
}

/** What becomes of a result that nobody asked for. */
function defaultOutputs(
  request: BuildRequest,
  resolved: readonly ResolvedOutput[],
  situation: OutputSituation,
  notes: string[],
): readonly ResolvedOutput[] {
  const { driver, features, noDefaultLoad } = situation
  if (request.call !== undefined) return []
  if (driver === 'embedded') return resolved
  const name = request.tags.length === 0 ? {} : { name: request.tags.join(',') }
  if (driver === 'docker') return noDefaultLoad ? [] : [{ type: 'image', attrs: name }]
  if (features.defaultLoad === true && !noDefaultLoad) return [{ type: 'docker', attrs: name }]
  if (!noDefaultLoad) {
    notes.push(
      `WARNING: No output specified with ${driver} driver. Build result will only remain in the build cache. ` +
        'To push result image into registry use --push or to load image into docker use --load',
    )
  }
  return []
}

function dockerOutput(
  request: BuildRequest,
  output: ResolvedOutput,
  situation: OutputSituation,
  notes: string[],
): ResolvedOutput {
  const { driver, features, load } = situation
  const several = request.platforms.length > 1
  if (output.target !== undefined) {
    if (!features.dockerExporter) {
      throw notSupported('Docker exporter', driver, 'https://docs.docker.com/go/build-exporters/')
    }
    if ((several || isStated(request)) && !situation.merges) {
      throw new SlipwayError(
        'failed-precondition',
        'docker exporter does not support exporting manifest lists, use the oci exporter instead',
      )
    }
    return output
  }
  if (driver === 'docker') return { ...output, type: 'image' }
  if (load === undefined) {
    if (driver !== 'embedded') throw noDocker()
    notes.push('No docker daemon answers: the image is loaded into the local store (`image ls` shows it)')
    return { type: 'image', attrs: output.attrs }
  }
  const target = { kind: 'stream' as const, receive: load.receive }
  if (load.takesOci) return { ...output, type: 'oci', target }
  if (!several) return { ...output, target }
  const { hostPlatform, tempDir } = situation
  const native =
    request.platforms.find(strictPlatform(hostPlatform).match) ?? request.platforms[0] ?? hostPlatform
  notes.push(
    `WARNING: Docker's classic image store holds one platform per image: ${formatPlatform(native)} was loaded. ` +
      'Turn on the containerd image store to load all, push with --push, or write all with -o type=oci,dest=FILE',
  )
  const receive: LoadTarget['receive'] = (stream, signal) =>
    load.receive(nativeArchive(stream, { platforms: request.platforms, native, tempDir }), signal)
  return { ...output, type: 'oci', target: { kind: 'stream', receive } }
}

/** Inside a docker daemon images have an exporter of their own, and the classic store is pushed from by docker. */
function mobyOutput(output: ResolvedOutput, features: DriverFeatures, push: string[]): ResolvedOutput {
  const isPushed = output.attrs['push'] === 'true' || output.attrs['push'] === '1'
  if (isPushed && output.attrs['push-by-digest'] === 'true') {
    throw new SlipwayError(
      'failed-precondition',
      'push-by-digest is currently not implemented for docker driver, please create a new builder instance',
    )
  }
  if (isPushed && features.directPush === false) {
    push.push(...(output.attrs['name'] ?? '').split(',').filter(name => name !== ''))
    const { push: _, ...attrs } = output.attrs
    return { type: 'moby', attrs }
  }
  return { ...output, type: 'moby' }
}

/** A statement is asked for in words, so that the result is an index even for one platform. */
function isStated({ attests }: BuildRequest): boolean {
  return Object.values(attests).some(value => value !== defaultProvenance && !value.includes('disabled=true'))
}

function attestsFor(request: BuildRequest, { driver, features }: OutputSituation): BuildRequest['attests'] {
  if (features.attestations) return request.attests
  const kept = Object.entries(request.attests).filter(
    ([type, value]) =>
      !(type === 'provenance' && (value === defaultProvenance || value.includes('disabled=true'))),
  )
  if (kept.length > 0) throw notSupported('Attestation', driver, 'https://docs.docker.com/go/attestations/')
  return {}
}

function notSupported(feature: string, driver: string, url: string): SlipwayError {
  return new SlipwayError(
    'failed-precondition',
    `${feature} is not supported for the ${driver} driver.\nSwitch to a different driver, or turn on the containerd image store, and try again.\nLearn more at ${url}`,
    { hint: 'the embedded engine does it: --builder slipway' },
  )
}

function noDocker(): SlipwayError {
  return new SlipwayError('unavailable', 'no docker daemon answers that the image could be loaded into', {
    hint: 'start docker or set DOCKER_HOST, or write an archive with -o type=docker,dest=FILE',
  })
}
