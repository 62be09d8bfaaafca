import { invalid } from '../instructions/argument-error.ts'

const names = new Set(
  (
    'ABRT ALRM BUS CHLD CLD CONT FPE HUP ILL INT IO IOT KILL PIPE POLL PROF PWR QUIT SEGV STKFLT STOP SYS TERM ' +
    'TRAP TSTP TTIN TTOU URG USR1 USR2 VTALRM WINCH XCPU XFSZ RTMIN RTMAX'
  )
    .split(' ')
    .concat(Array.from({ length: 15 }, (_, i) => `RTMIN+${i + 1}`))
    .concat(Array.from({ length: 14 }, (_, i) => `RTMAX-${i + 1}`)),
)

/** Throws `invalid-argument` where `text` is no signal of Linux: a number, or a name with or without SIG. */
export function checkSignal(text: string): void {
  const isNumber = /^[+-]?[0-9]+$/.test(text) && Math.abs(Number(text)) < 2 ** 63
  const isKnown = isNumber ? Number(text) !== 0 : names.has(text.toUpperCase().replace(/^SIG/, ''))
  if (!isKnown) throw invalid(`invalid signal: ${text}`)
}
