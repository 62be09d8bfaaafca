import { SlipwayError } from '../errors/slipway-error.ts'
import type { ExportSource, PlatformResult } from '../exporter/export-source.ts'
import type { Platform } from '../oci/descriptor.ts'
import { formatPlatform, normalizePlatform } from '../oci/platform.ts'
import { type BridgeRef, type BridgeResult, treeOf } from './bridge-ref.ts'

interface NamedPlatform {
  readonly id: string
  readonly platform: Platform
}

/** Key of the list of platforms in a result. Source: buildkit v0.32.2 exporter/containerimage/exptypes/types.go */
const platformsKey = 'refs.platforms'

/** Makes the trees of a frontend's result and puts them in order for exporters. Throws `invalid-argument`. */
export async function exportSourceOf(result: BridgeResult, hostPlatform: Platform): Promise<ExportSource> {
  const listed = readPlatforms(result.metadata.get(platformsKey))
  const multiPlatform = result.refs.size > 0
  if (multiPlatform && listed === undefined) {
    throw new SlipwayError('invalid-argument', 'unable to export multiple refs, missing platforms mapping')
  }
  const platforms = listed ?? [platformOfConfig(result.metadata.get('containerimage.config'), hostPlatform)]
  const pending = platforms.map(async (named): Promise<PlatformResult> => {
    const ref = multiPlatform ? result.refs.get(named.id) : result.ref
    return platformResult(named, ref, result.metadata)
  })
  const settled = await Promise.allSettled(pending)
  const failures = settled.flatMap(one => (one.status === 'rejected' ? [one.reason as unknown] : []))
  const real = failures.find(reason => !(reason instanceof SlipwayError && reason.code === 'canceled'))
  if (failures.length > 0) throw real ?? failures[0]
  const results = settled.map(one => (one as PromiseFulfilledResult<PlatformResult>).value)
  return { results, multiPlatform, metadata: result.metadata }
}

async function platformResult(
  named: NamedPlatform,
  ref: BridgeRef | undefined,
  metadata: ReadonlyMap<string, Uint8Array>,
): Promise<PlatformResult> {
  const of = (key: string): Uint8Array | undefined => metadata.get(`${key}/${named.id}`) ?? metadata.get(key)
  const config = of('containerimage.config')
  const baseConfig = of('containerimage.base.config')
  const epochText = of('source.date.epoch')
  const epoch = epochText === undefined ? undefined : Number(Buffer.from(epochText).toString('utf8'))
  return {
    ...named,
    ref: ref === undefined ? undefined : await treeOf(ref),
    attestations: [],
    ...(config === undefined ? {} : { config }),
    ...(baseConfig === undefined ? {} : { baseConfig }),
    ...(epoch === undefined || !Number.isSafeInteger(epoch) ? {} : { epoch }),
  }
}

function readPlatforms(bytes: Uint8Array | undefined): readonly NamedPlatform[] | undefined {
  if (bytes === undefined) return undefined
  let parsed: unknown
  try {
    parsed = JSON.parse(Buffer.from(bytes).toString('utf8'))
  } catch (e) {
    throw new SlipwayError('invalid-argument', 'failed to parse platforms passed to exporter', { cause: e })
  }
  const list = (parsed as { Platforms?: unknown } | null)?.Platforms
  if (!Array.isArray(list) || list.length === 0)
    throw new SlipwayError('invalid-argument', 'invalid empty platforms index for exporter')
  return list.map((one: { ID?: unknown; Platform?: Platform }) => {
    if (typeof one.ID !== 'string' || one.ID === '')
      throw new SlipwayError('invalid-argument', 'invalid empty platform key for exporter')
    if (!one.Platform?.os || !one.Platform.architecture) {
      throw new SlipwayError(
        'invalid-argument',
        `invalid platform value ${goText(one.Platform)} for exporter`,
      )
    }
    return { id: one.ID, platform: normalizePlatform(one.Platform) }
  })
}

/** A platform as Go prints a struct. */
function goText(platform: Partial<Platform> | undefined): string {
  const { architecture = '', os = '', variant = '' } = platform ?? {}
  const features = platform?.['os.features'] ?? []
  return `{${[architecture, os, platform?.['os.version'] ?? '', `[${features.join(' ')}]`, variant].join(' ')}}`
}

function platformOfConfig(config: Uint8Array | undefined, hostPlatform: Platform): NamedPlatform {
  const parsed =
    config === undefined
      ? undefined
      : (JSON.parse(Buffer.from(config).toString('utf8')) as Partial<Platform> | null)
  const { os, architecture, variant } = parsed ?? {}
  if (Boolean(os) !== Boolean(architecture)) {
    const what = 'invalid image config: os and architecture must be specified together'
    throw new SlipwayError('invalid-argument', what)
  }
  const platform =
    os && architecture
      ? normalizePlatform({ os, architecture, ...(variant ? { variant } : {}) })
      : hostPlatform
  return { id: formatPlatform(platform), platform }
}
