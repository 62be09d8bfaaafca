import type { Platform } from '../../oci/descriptor.ts'
import { formatPlatformAll, normalizePlatform, parsePlatform } from '../../oci/platform.ts'
import type { Lexer } from '../shell/lexer.ts'
import type { Variables } from '../shell/variables.ts'
import type { ConvertContext } from './context.ts'
import type { StageBuild } from './stage-build.ts'

/** Counts a step and gives its name: `[linux/amd64->arm64 stage 2/5] RUN …`. */
export function stepName(
  build: StageBuild,
  context: ConvertContext,
  text: string,
  platform: Platform | undefined,
  variables: Variables,
): string {
  if (build.stepTotal > 0) build.stepIndex++
  return sameStepName(build, context, text, platform, variables)
}

/** The name of another vertex of the step that was counted last. */
export function sameStepName(
  build: StageBuild,
  context: ConvertContext,
  text: string,
  platform: Platform | undefined,
  variables: Variables,
): string {
  const { stepTotal, stepIndex, shownName } = build
  if (stepTotal === 0) return text
  const shownPlatform =
    context.options.multiPlatform && platform !== undefined
      ? `${formatPlatformAll(platform)}${crossTarget(platform, variables, context.options.hostPlatform)} `
      : ''
  const stage = shownName === '' ? '' : `${shownName} `
  const number = String(stepIndex).padStart(String(stepTotal).length)
  return `[${shownPlatform}${stage}${number}/${stepTotal}] ${build.isOnbuild ? 'ONBUILD ' : ''}${text}`
}

/** The instruction with variables expanded (where that works) and its keyword in capitals. */
export function stepText(lexer: Lexer, code: string, variables: Variables): string {
  const { result, error } = lexer.process(code, variables)
  const text = error === undefined ? result : code
  const at = text.indexOf(' ')
  return at < 0 ? text.toUpperCase() : text.slice(0, at).toUpperCase() + text.slice(at)
}

/** `->arm64` where the variables say that the step builds for another platform than it runs on. */
function crossTarget(base: Platform, variables: Variables, hostPlatform: Platform): string {
  const target = targetOf(variables, hostPlatform)
  if (target === undefined) return ''
  const platform = normalizePlatform({
    ...target,
    os: target.os || base.os,
    architecture: target.architecture || base.architecture,
  })
  if (platform.os !== base.os) return `->${formatPlatformAll(platform)}`
  if (platform.architecture === base.architecture) return ''
  const variant = platform.variant ?? ''
  return `->${platform.architecture}${variant === '' ? '' : `/${variant}`}`
}

/** The platform that TARGETPLATFORM, or TARGETOS, TARGETARCH and TARGETVARIANT, name. */
function targetOf(variables: Variables, hostPlatform: Platform): Platform | undefined {
  let found: { os: string; architecture: string; variant?: string } | undefined
  for (const name of variables.keys()) {
    const value = variables.get(name) ?? ''
    const known = found ?? { os: '', architecture: '' }
    if (name === 'TARGETPLATFORM') {
      try {
        return parsePlatform(value, hostPlatform)
      } catch {
        continue
      }
    }
    if (name === 'TARGETOS') found = { ...known, os: value }
    else if (name === 'TARGETARCH') found = { ...known, architecture: value }
    else if (name === 'TARGETVARIANT') found = { ...known, variant: value }
  }
  return found
}
