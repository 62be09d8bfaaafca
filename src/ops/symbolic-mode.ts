import { SlipwayError } from '../errors/slipway-error.ts'

const classBits = { u: 0o4700, g: 0o2070, o: 0o1007, a: 0o7777 } as const
const permissionBits = { r: 0o444, w: 0o222, x: 0o111 } as const

const invalid = (text: string): SlipwayError =>
  new SlipwayError('invalid-argument', `invalid mode ${JSON.stringify(text)}`, {
    hint: 'a mode is octal (0644) or symbolic as in chmod(1) (u=rwX,go=rX)',
  })

/**
 * A mode in the language of chmod(1), applied to permission bits with no umask. `X` is `x` for directories and for what
 * anybody may execute already. Throws `invalid-argument`.
 */
export function applySymbolicMode(text: string, mode: number, isDirectory: boolean): number {
  if (/^[0-7]+$/.test(text)) return Number.parseInt(text, 8) & 0o7777
  let result = mode
  for (const clause of text.split(',')) {
    const parts = /^([ugoa]*)((?:[-+=](?:[rwxXst]*|[ugo]))+)$/.exec(clause)
    if (parts === null) throw invalid(text)
    const who = maskOf(parts[1] ?? '')
    for (const action of (parts[2] ?? '').matchAll(/([-+=])([ugo]|[rwxXst]*)/g)) {
      result = applyAction(result, who, action[1] ?? '', action[2] ?? '', isDirectory)
    }
  }
  return result
}

function maskOf(classes: string): number {
  if (classes === '') return classBits.a
  let mask = 0
  for (const one of classes) mask |= classBits[one as keyof typeof classBits]
  return mask
}

function applyAction(
  mode: number,
  who: number,
  operator: string,
  permissions: string,
  isDirectory: boolean,
): number {
  const bits = bitsOf(permissions, mode, isDirectory) & who
  if (operator === '+') return mode | bits
  if (operator === '-') return mode & ~bits
  const kept = isDirectory ? 0o6000 : 0
  return (mode & (~who | kept)) | bits
}

function bitsOf(permissions: string, mode: number, isDirectory: boolean): number {
  if (permissions === 'u') return ((mode >> 6) & 7) * 0o111
  if (permissions === 'g') return ((mode >> 3) & 7) * 0o111
  if (permissions === 'o') return (mode & 7) * 0o111
  let bits = 0
  for (const one of permissions) {
    if (one === 's') bits |= 0o6000
    else if (one === 't') bits |= 0o1000
    else if (one === 'X') bits |= isDirectory || (mode & 0o111) !== 0 ? 0o111 : 0
    else bits |= permissionBits[one as keyof typeof permissionBits]
  }
  return bits
}
