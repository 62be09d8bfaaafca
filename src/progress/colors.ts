/** Escape sequences that start a colour; undefined draws without one. */
export interface ProgressColors {
  readonly run: string | undefined
  readonly cancel: string | undefined
  readonly warning: string | undefined
  readonly error: string | undefined
}

/** What decides on colours: the values of the variables of the same names. */
export interface ColorSettings {
  /** BUILDKIT_COLORS, as `run=green:warning=yellow:error=red:cancel=255,165,0`. */
  readonly buildkitColors?: string | undefined
  /** NO_COLOR: anything but an empty text switches colours off. */
  readonly noColor?: string | undefined
  /** Receives notes about parts that make no sense, one line each. */
  readonly warn?: (line: string) => void
}

const names: readonly string[] = ['black', 'red', 'green', 'yellow', 'blue', 'magenta', 'cyan', 'white']

/** No colours at all. */
export const noColors: ProgressColors = {
  run: undefined,
  cancel: undefined,
  warning: undefined,
  error: undefined,
}

/** Blue, red and yellow. */
export const defaultColors: ProgressColors = {
  run: sgr(34),
  cancel: sgr(33),
  warning: sgr(33),
  error: sgr(31),
}

/** The colours to draw with. Parts that cannot be read are noted and left out. */
export function progressColors(settings: ColorSettings): ProgressColors {
  if (settings.noColor !== undefined && settings.noColor !== '') return noColors
  const colors: Record<string, string | undefined> = { ...defaultColors }
  const warn = settings.warn ?? ((): void => {})
  const { buildkitColors = '' } = settings
  const parts = buildkitColors === '' ? [] : buildkitColors.split(':')
  for (const part of parts) {
    const pair = part.split('=')
    const key = (pair[0] ?? '').toLowerCase()
    const value = pair[1] ?? ''
    const color = parseColor(value)
    if (pair.length !== 2) warn(`Could not parse BUILDKIT_COLORS component: ${part}`)
    else if (color === undefined) {
      const problem = value.includes(',') ? rgbProblem(value) : undefined
      warn(problem ?? `Unknown color value found in BUILDKIT_COLORS: ${key}=${value}`)
    } else if (!(key in defaultColors)) {
      warn(`Unknown key found in BUILDKIT_COLORS (expected: run, cancel, error, or warning): ${key}`)
    } else colors[key] = color
  }
  return { run: colors['run'], cancel: colors['cancel'], warning: colors['warning'], error: colors['error'] }
}

/** `text` between a colour and its end. */
export function paint(text: string, color: string | undefined): string {
  return color === undefined ? text : `${color}${text}\x1b[0m`
}

function parseColor(value: string): string | undefined {
  const name = value.toLowerCase()
  if (name === 'default') return sgr(39)
  const index = names.indexOf(name.replace(/^light-/, ''))
  if (index >= 0) return sgr((name.startsWith('light-') ? 90 : 30) + index)
  if (!/^\d+,\d+,\d+$/.test(value)) return undefined
  const [red = 0, green = 0, blue = 0] = value.split(',').map(Number)
  if (Math.max(red, green, blue) > 255) return undefined
  const step = (level: number): number => Math.trunc(level / 43)
  return `\x1b[38;5;${16 + 36 * step(red) + 6 * step(green) + step(blue)}m`
}

function rgbProblem(value: string): string {
  const fields = value.split(',')
  if (fields.length !== 3) return `Could not parse value ${value} as valid RGB color. Ignoring.`
  const isWhole = fields.every(text => /^[+-]?\d+$/.test(text))
  const expected = isWhole ? 'within the valid range of 0-255' : 'an integer'
  return `A field in BUILDKIT_COLORS appears to contain an RGB value that is not ${expected}: ${value}`
}

function sgr(code: number): string {
  return `\x1b[${code}m`
}
