import type { ImageConfig } from '../../oci/image-config.ts'
import { parseImageConfig } from '../../oci/image-config.ts'
import type { Platform } from '../../oci/descriptor.ts'
import { asSlipwayError, wrapError } from '../../errors/slipway-error.ts'
import { quote } from '../../gostd/quote.ts'
import { image as imageSource } from '../../llb/source.ts'
import { scratch, withPlatform } from '../../llb/state.ts'
import { formatPlatformAll, normalizePlatform } from '../../oci/platform.ts'
import { formatReference, parseReference, withDefaultTag, withDigest } from '../../oci/reference.ts'
import { rules } from '../linter/rules.ts'
import { locatedError } from '../parser/location.ts'
import { noVariables } from '../shell/variables.ts'
import { withSuggestion } from '../suggest.ts'
import { contextOf } from './build-stages.ts'
import { commandKey, type ConvertContext, locationOf } from './context.ts'
import { scratchImage } from './empty-image.ts'
import type { StageBuild } from './stage-build.ts'
import { stepName } from './step-name.ts'

/**
 * Finds out what a stage starts from: nothing, a named context, or an image whose configuration is fetched. Throws with
 * the stage's lines.
 */
export async function resolveBase(build: StageBuild, context: ConvertContext): Promise<void> {
  if (build.base === 'scratch' && build.namedContext === undefined) {
    build.state = scratch
    build.image = scratchImage(context.target)
    build.platform = context.target
  } else {
    try {
      await resolveFilled(build, context)
    } catch (error) {
      throw locatedError(error, build.ranges)
    }
  }
  if (build.stage === undefined) build.dispatched = true
}

/** Checks the name of a base that is not needed. Throws `invalid-argument`. */
export function checkBase(build: StageBuild): void {
  if (build.base === 'scratch' && build.namedContext === undefined) return
  try {
    baseReference(build.base)
  } catch (error) {
    throw locatedError(error, build.ranges)
  }
}

async function resolveFilled(build: StageBuild, context: ConvertContext): Promise<void> {
  const original = build.base
  const platform = build.platform ?? context.target
  build.base = formatReference(withDefaultTag(baseReference(original)))
  if (build.namedContext !== undefined) await replaceStage(build, context)
  else if (!(await replaceImage(build, platform, context))) await useImage(build, original, platform, context)
}

function baseReference(name: string) {
  try {
    return parseReference(name)
  } catch (error) {
    throw wrapError(`failed to parse stage name ${quote(name)}`, error)
  }
}

/** A named context that stands for the whole stage. */
async function replaceStage(build: StageBuild, context: ConvertContext): Promise<void> {
  const loaded = await build.namedContext?.load(context.signal)
  if (loaded === undefined) return
  build.dispatched = true
  build.state = loaded.state
  if (loaded.image === undefined) return
  build.image = withoutCreated(loaded.image)
  const { os, architecture } = loaded.image
  if (os !== '' && architecture !== '') build.platform = platformOfImage(loaded.image)
}

/** A named context that stands for the base image; false where there is none. */
async function replaceImage(
  build: StageBuild,
  platform: Platform,
  context: ConvertContext,
): Promise<boolean> {
  const named = contextOf(build.base, build, platform, context)
  if (named === undefined) return false
  const loaded = await named.load(context.signal)
  const config = loaded.image ?? scratchImage(platform)
  build.baseImage = config
  build.image = withoutCreated(config)
  build.state = withPlatform(loaded.state, platform)
  build.platform = platform
  return true
}

async function useImage(
  build: StageBuild,
  original: string,
  wanted: Platform,
  context: ConvertContext,
): Promise<void> {
  const { options } = context
  const shown = options.multiPlatform ? `${formatPlatformAll(wanted)} internal` : 'internal'
  const logName = `[${shown}] load metadata for ${build.base}`
  const request = { platform: wanted, resolveMode: options.resolveMode, logName }
  const resolved = await context.host
    .resolveImage(build.base, request, context.signal)
    .catch((error: unknown) => {
      const names = [...context.table.names(), ...commonImages]
      throw withSuggestion(wrapError(original, asSlipwayError(error)), original, names)
    })
  const config = readConfig(resolved.config)
  const detected = build.platform === undefined && options.targetPlatform === undefined
  const platform = detected ? builtPlatform(config, wanted, options.buildPlatforms) : wanted
  const reference = parseReference(resolved.name)
  build.base = formatReference(
    resolved.digest === undefined ? reference : withDigest(reference, resolved.digest),
  )
  build.baseImage = config
  build.image = withoutCreated(config)
  build.platform = platform
  if (isEmpty(config)) {
    build.state = scratch
    return
  }
  build.state = imageSource(build.base, {
    platform,
    resolveMode: options.resolveMode,
    name: stepName(build, context, `FROM ${build.base}`, platform, noVariables),
    description: { [commandKey]: build.stage?.code ?? '' },
    locations: locationOf(context, build.ranges),
  })
  lintPlatform(build, original, platform, config, context)
}

function lintPlatform(
  build: StageBuild,
  name: string,
  expected: Platform,
  actual: Platform,
  context: ConvertContext,
): void {
  if (expected.os === actual.os && expected.architecture === actual.architecture) return
  const texts = [expected, actual].map(platform => formatPlatformAll(normalizePlatform(platform)))
  const [wanted = '', found = ''] = texts
  context.linter.report(rules.invalidBaseImagePlatform, build.ranges, name, wanted, found)
}

function readConfig(bytes: Uint8Array): ImageConfig {
  try {
    return parseImageConfig(bytes)
  } catch (error) {
    throw wrapError('failed to parse image config', error)
  }
}

/** The platform that an image without choice was built for, where the builder runs it. */
function builtPlatform(image: Platform, wanted: Platform, supported: readonly Platform[]): Platform {
  const isBuilt = (p: Platform): boolean => p.os === image.os && p.architecture === image.architecture
  return isBuilt(wanted) ? wanted : (supported.find(isBuilt) ?? wanted)
}

function isEmpty(image: ImageConfig): boolean {
  return image.rootfs.diff_ids.length === 0 && image.history.every(entry => entry.empty_layer === true)
}

function withoutCreated(image: ImageConfig): ImageConfig {
  const { created: _, ...rest } = image
  return rest
}

function platformOfImage(image: ImageConfig): Platform {
  const { os, architecture, variant, 'os.version': version, 'os.features': features } = image
  return {
    os,
    architecture,
    ...(variant === undefined ? {} : { variant }),
    ...(version === undefined ? {} : { 'os.version': version }),
    ...(features === undefined ? {} : { 'os.features': features }),
  }
}

const commonImages = ['alpine', 'busybox', 'centos', 'debian', 'golang', 'ubuntu', 'fedora'].flatMap(name => [
  name,
  `docker.io/library${name}`,
  `${name}:latest`,
  `docker.io/library${name}:latest`,
])
