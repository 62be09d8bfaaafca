import { SlipwayError } from '../errors/slipway-error.ts'

const standard = 0o6777
const sticky = 0o1000
const classes: Readonly<Record<string, number>> = { a: standard, u: 0o4700, g: 0o2070, o: 0o007 }
const permissions: Readonly<Record<string, number>> = { r: 0o444, w: 0o222, x: 0o111, s: 0o6000, t: sticky }

const invalid = (text: string): SlipwayError =>
  new SlipwayError('invalid-argument', `invalid mode ${JSON.stringify(text)}`, {
    hint: 'a mode is octal (0644) or symbolic as in chmod(1) (u=rwX,go=rX)',
  })

/**
 * A mode in the language of chmod(1) of BSD, which is BuildKit's, applied to permission bits with no umask. `X` is `x` for
 * directories and for what anybody may execute already. `=` clears setuid and setgid of the classes it is for, and the
 * sticky bit only where `t` is given. Throws `invalid-argument`.
 * Behaviour: setmode(3) of FreeBSD; github.com/tonistiigi/dchapes-mode
 */
export function applySymbolicMode(text: string, mode: number, isDirectory: boolean): number {
  if (/^[0-7]+$/.test(text)) return Number.parseInt(text, 8) & 0o7777
  const state: State = { result: mode, mayX: isDirectory || (mode & 0o111) !== 0 }
  for (const clause of text.split(',')) {
    const parts = /^([augo]*)((?:[-+=][rwxXstugo]*)+)$/.exec(clause)
    if (parts === null) throw invalid(text)
    const who = [...(parts[1] ?? '')].reduce((mask, one) => mask | (classes[one] ?? 0), 0)
    for (const [, operator = '', letters = ''] of (parts[2] ?? '').matchAll(/([-+=])([rwxXstugo]*)/g))
      applyAction(state, { who, operator }, letters)
  }
  return state.result
}

interface State {
  result: number
  /** Whether `X` means `x`. */
  readonly mayX: boolean
}

interface Action {
  /** Bits of the classes that it is for; 0 where none are named. */
  who: number
  readonly operator: string
}

/** Letters in a row count together; a class among them is copied from what the mode is by then. */
function applyAction(state: State, action: Action, letters: string): void {
  const { operator } = action
  let bits = 0
  let conditional = 0
  let isEmpty = operator === '='
  const flush = (): void => {
    if (bits !== 0 || isEmpty) change(state, action, bits)
    if (conditional !== 0 && state.mayX) change(state, { ...action, operator: '+' }, conditional)
    isEmpty = false
    bits = 0
    conditional = 0
  }
  for (const letter of letters) {
    if ('ugo'.includes(letter)) {
      isEmpty = false
      flush()
      copyClass(state, action, letter)
    } else if (letter === 'X' && operator !== '-') conditional |= 0o111
    else if ('st'.includes(letter) && isOnlyOthers(action.who)) continue
    else {
      if (letter === 't') action.who |= sticky
      bits |= permissions[letter.toLowerCase()] ?? 0
    }
  }
  flush()
}

/** Set-id and sticky bits are not for others alone. */
const isOnlyOthers = (who: number): boolean => who !== 0 && (who & ~0o007) === 0

function change(state: State, { who, operator }: Action, bits: number): void {
  const wanted = who === 0 ? bits : who & bits
  if (operator === '-') state.result &= ~wanted
  else {
    if (operator === '=') state.result &= ~(who === 0 ? standard : who)
    state.result |= wanted
  }
}

function copyClass(state: State, { who, operator }: Action, from: string): void {
  const value = (state.result >> (from === 'u' ? 6 : from === 'g' ? 3 : 0)) & 7
  const isFor = (bit: number): boolean => who === 0 || (who & bit) !== 0
  const spread = (n: number): number =>
    (isFor(0o400) ? n << 6 : 0) | (isFor(0o040) ? n << 3 : 0) | (isFor(0o004) ? n : 0)
  if (operator === '-') state.result &= ~spread(value)
  else {
    if (operator === '=') state.result &= ~spread(7)
    state.result |= spread(value)
  }
}
