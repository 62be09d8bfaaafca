import { bytesSize, ramInBytes } from '../../gostd/byte-units.ts'
import { anyZero, type FlagType } from '../../gostd/pflag/flag-type.ts'
import { parseUlimit, type Ulimit } from '../../gostd/ulimit.ts'

/** A size with a binary unit (`128m`), in bytes. */
export const bytesType: FlagType<number> = {
  name: 'bytes',
  zero: 0,
  zeroTexts: anyZero,
  parse: ramInBytes,
  format: value => (value === 0 ? '0' : bytesSize(value)),
}

/** Limits by name; a later one replaces an earlier one of the same name. */
export const ulimitType: FlagType<readonly Ulimit[]> = {
  name: 'ulimit',
  zero: [],
  zeroTexts: anyZero,
  parse: (text, current) => {
    const limit = parseUlimit(text)
    return [...current.filter(other => other.name !== limit.name), limit].sort((a, b) =>
      a.name < b.name ? -1 : 1,
    )
  },
  format: limits => `[${limits.map(({ name, soft, hard }) => `${name}=${soft}:${hard}`).join(' ')}]`,
}
