import type { VertexWarning } from '../status/solve-status.ts'
import { paint } from './colors.ts'
import { sourceExcerpt } from './source-excerpt.ts'

/** How the warnings under a build are written. */
export interface WarningOptions {
  /** Write details, addresses and excerpts too. */
  readonly debug: boolean
  /** Draw the first line in this colour (buildx: yellow). */
  readonly color: string | undefined
}

/** The warnings without repetitions; two are the same when they differ in their vertex only. The order is kept. */
export function distinctWarnings(warnings: readonly VertexWarning[]): VertexWarning[] {
  const seen = new Map<string, VertexWarning>()
  for (const warning of warnings) {
    const { level, short, detail, url, source } = warning
    const key = JSON.stringify([level, short, detail, url, source?.filename, source?.ranges])
    if (!seen.has(key)) seen.set(key, warning)
  }
  return [...seen.values()]
}

/** The text under a build that tells its warnings, empty without any. */
export function warningsText(warnings: readonly VertexWarning[], options: WarningOptions): string {
  if (warnings.length === 0) return ''
  const count = warnings.length === 1 ? '1 warning' : `${warnings.length} warnings`
  const hint = options.debug ? '' : ' (use docker --debug to expand)'
  const head = `\n ${paint(`${count} found${hint}:\n`, options.color)}`
  return head + warnings.map(warning => warningText(warning, options.debug)).join('')
}

function warningText(warning: VertexWarning, debug: boolean): string {
  const short = ` - ${warning.short}\n`
  if (!debug) return short
  const detail = (warning.detail ?? []).map(line => `${line}\n`).join('')
  const url = warning.url ? `More info: ${warning.url}\n` : ''
  const excerpt = warning.source === undefined ? '' : sourceExcerpt(warning.source)
  return `${short}${detail}${url}${excerpt}\n`
}
