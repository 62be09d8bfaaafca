const pattern =
  /^(\d{4})-(\d{1,2})-(\d{1,2})(?:(?:[Tt]|[ ]+)(\d{1,2}):(\d{1,2}):(\d{1,2})(\.\d{1,9})?[ ]*(Z|[+-]\d{2}:\d{2})?)?$/

/** A YAML timestamp as Go prints the time it means (`2024-01-01 00:00:00 +0000 UTC`); `undefined` for other text. */
export function timestampText(text: string): string | undefined {
  const found = pattern.exec(text)
  if (found === null) return undefined
  const [, year, month, day, hour = '0', minute = '0', second = '0', fraction = '', zone = 'Z'] = found
  const two = (n: string | undefined): string => (n ?? '0').padStart(2, '0')
  const iso = `${year}-${two(month)}-${two(day)}T${two(hour)}:${two(minute)}:${two(second)}Z`
  const time = new Date(iso)
  if (Number.isNaN(time.getTime()) || time.getUTCDate() !== Number(day)) return undefined
  const offset =
    zone === 'Z' || zone === '+00:00' ? '+0000 UTC' : `${zone.replace(':', '')} ${zone.replace(':', '')}`
  return `${iso.slice(0, 10)} ${iso.slice(11, 19)}${fraction.replace(/\.?0*$/, '')} ${offset}`
}

const monthNames =
  'January February March April May June July August September October November December'.split(' ')

/** A time as `timestampText` writes it, as Go's `%#v` writes it. */
export function goTime(text: string): string {
  const found = /^(\d+)-(\d+)-(\d+) (\d+):(\d+):(\d+)(\.\d+)? ([+-])(\d\d)(\d\d)/.exec(text)
  if (found === null) return text
  const [, year, month, day, hour, minute, second, fraction = '', sign, zoneHours, zoneMinutes] = found
  const name = monthNames[Number(month) - 1] ?? ''
  const nanoseconds = Number(fraction.slice(1).padEnd(9, '0'))
  const offset = (Number(zoneHours) * 60 + Number(zoneMinutes)) * 60 * (sign === '-' ? -1 : 1)
  const zone = offset === 0 ? 'time.UTC' : 'time.Location("")'
  const rest = [day, hour, minute, second].map(Number).join(', ')
  return `time.Date(${Number(year)}, time.${name}, ${rest}, ${nanoseconds}, ${zone})`
}
