import { SlipwayError } from '../errors/slipway-error.ts'
import { parseFloat64 } from './parse-number.ts'

const decimalUnits = ['B', 'kB', 'MB', 'GB', 'TB', 'PB', 'EB', 'ZB', 'YB'] as const
const binaryUnits = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB', 'ZiB', 'YiB'] as const

/**
 * Bytes as go-units' `HumanSize` writes them: decimal units, four significant digits, no trailing zeros (`4.096kB`).
 * https://github.com/docker/go-units/blob/v0.5.0/size.go
 */
export function humanSize(bytes: number | bigint, digits = 4): string {
  return scale(Number(bytes), 1000, decimalUnits, digits)
}

/** As `humanSize` in binary units (`1.5GiB`), go-units' `BytesSize`. */
export function bytesSize(bytes: number | bigint): string {
  return scale(Number(bytes), 1024, binaryUnits, 4)
}

/** Reads a size in decimal units (`32kB` = 32000), go-units' `FromHumanSize`. Throws `invalid-argument`. */
export function fromHumanSize(text: string): number {
  return parseSize(text, 1000)
}

/** Reads a size in binary units (`32k` = `32KiB` = 32768), go-units' `RAMInBytes`. Throws `invalid-argument`. */
export function ramInBytes(text: string): number {
  return parseSize(text, 1024)
}

function scale(value: number, base: number, units: readonly string[], digits: number): string {
  let step = 0
  let size = value
  while (size >= base && step < units.length - 1) {
    size /= base
    step++
  }
  return `${Number(size.toPrecision(digits))}${units[step]}`
}

function parseSize(text: string, base: number): number {
  const split = /^(.*[0-9. ])?(.*)$/s.exec(text)
  const number = split?.[1]
  const suffix = split?.[2] ?? ''
  if (number === undefined) throw new SlipwayError('invalid-argument', `invalid size: '${text}'`)
  const value = parseFloat64(number.endsWith(' ') ? number.slice(0, -1) : number)
  if (value < 0) throw new SlipwayError('invalid-argument', `invalid size: '${text}'`)
  if (suffix === '') return Math.trunc(value)
  const unit = /^(?:b|([kmgtp])(?:b|ib)?)$/.exec(suffix.toLowerCase())
  if (unit === null) {
    const shown = suffix.length > 3 ? suffix : suffix.toLowerCase()
    throw new SlipwayError('invalid-argument', `invalid suffix: '${shown}'`)
  }
  const power = unit[1] === undefined ? 0 : 'kmgtp'.indexOf(unit[1]) + 1
  return Math.trunc(value * base ** power)
}
