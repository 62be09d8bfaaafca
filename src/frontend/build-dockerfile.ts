import { collectBounded } from '../async/map-bounded.ts'
import { type Converted, convertDockerfile } from '../dockerfile/convert/convert.ts'
import type { ConvertHost } from '../dockerfile/convert/host.ts'
import type { ConvertOptions } from '../dockerfile/convert/options.ts'
import { marshal } from '../llb/marshal.ts'
import type { Platform } from '../oci/descriptor.ts'
import { type Attributes, attribute } from './attributes.ts'
import type { FrontendBridge } from './bridge.ts'
import { parseBuildConfig } from './build-config.ts'
import { detectBuildContext } from './build-context.ts'
import { missingCapability } from './capabilities.ts'
import { createConvertHost } from './convert-host.ts'
import { type Entrypoint, readEntrypoint } from './entrypoint.ts'
import { findForward, forward } from './forward.ts'
import { lintWarning } from './lint-warning.ts'
import type { Attestation, FrontendResult } from './result.ts'
import { imageFacts, platformsFact, type ResultPlatform, resultPlatform } from './result-facts.ts'
import { createScanner, type Scanner } from './sbom.ts'
import type { FrontendScope } from './scope.ts'
import { withSources } from './source-errors.ts'
import { answerSubrequest } from './subrequests/answer.ts'

/** How the frontend runs. */
export interface BuildDockerfileOptions {
  /** Unique to this build; tells local directories that name no session apart. */
  readonly uniqueId: string
  readonly signal?: AbortSignal | undefined
}

/** Platforms that are converted at the same time. */
const parallelPlatforms = 16

/**
 * The frontend `dockerfile.v0`: reads the Dockerfile through the bridge, converts it for each platform and has the
 * graphs built. Also answers sub-requests (`requestid`), and passes on to another frontend where the file asks for one.
 * Attributes: as buildx sends them. Throws with the lines of the Dockerfile in `sources`.
 */
export async function buildDockerfile<Ref>(
  bridge: FrontendBridge<Ref>,
  attributes: Attributes,
  options: BuildDockerfileOptions,
): Promise<FrontendResult<Ref>> {
  const { signal, uniqueId } = options
  const config = parseBuildConfig(attributes, bridge.facts)
  const scope: FrontendScope<Ref> = { bridge, attributes, config, signal, uniqueId }
  const missing = missingCapability(attribute(attributes, 'frontend.caps') ?? '')
  if (missing !== undefined && !missing.mayForward) throw missing.error
  const context = await detectBuildContext(scope)
  const entrypoint = await readEntrypoint(context, scope)
  try {
    const other = await findForward(entrypoint.file.data, scope)
    if (other !== undefined) return await forward(other, scope)
    if (missing !== undefined) throw missing.error
  } catch (error) {
    throw withSources(error, entrypoint.file)
  }
  const host = createConvertHost(context, entrypoint, scope)
  // What is wrong with a sub-request is told without the lines.
  const answer = await answerSubrequest(entrypoint, host, scope)
  if (answer !== undefined) return answer
  try {
    return await buildPlatforms(entrypoint, host, scope)
  } catch (error) {
    throw withSources(error, entrypoint.file)
  }
}

/** The options of a conversion for one platform; only the first one reports warnings. */
function convertOptions<Ref>(
  entrypoint: Entrypoint,
  platform: Platform | undefined,
  scope: FrontendScope<Ref>,
): ConvertOptions {
  const { bridge, config } = scope
  return {
    ...config,
    targetPlatform: platform,
    hostPlatform: bridge.facts.hostPlatform,
    file: entrypoint.file,
  }
}

interface Built<Ref> extends ResultPlatform {
  readonly ref: Ref | undefined
  readonly converted: Converted
}

async function buildPlatforms<Ref>(
  entrypoint: Entrypoint,
  host: ConvertHost,
  scope: FrontendScope<Ref>,
): Promise<FrontendResult<Ref>> {
  const { config, signal } = scope
  const scanner =
    config.sbom === undefined
      ? undefined
      : await createScanner(config.sbom, { ...scope, epoch: config.buildArgs['SOURCE_DATE_EPOCH'] })
  const targets = config.targetPlatforms.length > 0 ? config.targetPlatforms : [undefined]
  const bounds = { limit: parallelPlatforms, signal }
  const built = await collectBounded(
    targets,
    async (platform, index, abort) =>
      await buildPlatform(platform, index === 0, entrypoint, host, { ...scope, signal: abort }),
    bounds,
  )
  const attestations = await scanAll(built, scanner, signal)
  const isMulti = config.multiPlatform
  const facts = built.flatMap(({ converted, id }) => imageFacts(converted, isMulti ? id : undefined))
  return {
    ref: isMulti ? undefined : built[0]?.ref,
    refs: new Map(isMulti ? built.map(({ id, ref }) => [id, ref] as const) : []),
    metadata: new Map([...facts, platformsFact(built)]),
    attestations,
  }
}

async function buildPlatform<Ref>(
  platform: Platform | undefined,
  isFirst: boolean,
  entrypoint: Entrypoint,
  host: ConvertHost,
  scope: FrontendScope<Ref>,
): Promise<Built<Ref>> {
  const { bridge, config, signal } = scope
  const options: ConvertOptions = {
    ...convertOptions(entrypoint, platform, scope),
    warn: isFirst ? warning => bridge.warn(lintWarning(warning, entrypoint)) : undefined,
  }
  const converted = await convertDockerfile(options, host, signal)
  const definition = marshal(converted.state.output, {
    platform: converted.platform,
    localUniqueId: scope.uniqueId,
    setsDefaultPath: true,
  })
  const ref = await bridge.solve({ definition, cacheImports: config.cacheImports }, signal)
  return { ...resultPlatform(platform ?? bridge.facts.hostPlatform), ref, converted }
}

async function scanAll<Ref>(
  built: readonly Built<Ref>[],
  scanner: Scanner<Ref> | undefined,
  signal: AbortSignal | undefined,
): Promise<Map<string, Attestation<Ref>[]>> {
  if (scanner === undefined) return new Map()
  const bounds = { limit: parallelPlatforms, signal }
  const scanned = await collectBounded(
    built,
    async ({ id, converted }, _, abort) => [id, [await scanner(id, converted, abort)]] as const,
    bounds,
  )
  return new Map(scanned.map(([id, list]) => [id, [...list]]))
}
