import { invalid } from '../instructions/argument-error.ts'

/** One clause of a symbolic mode: who, then operations with permissions or a class to copy from. */
const clause = /^[augo]*(?:[-+=][rstwXxugo]*)+$/

/**
 * The value of `--chmod`: a number for octal, else a symbolic mode as in chmod(1), which is kept as text.
 * Throws `invalid-argument`.
 */
export function readChmod(text: string): number | string {
  if (/^[0-9]/.test(text)) {
    const mode = /^[0-7]+$/.test(text) ? Number.parseInt(text, 8) : Number.NaN
    if (mode <= 0o7777) return mode
    throw invalid(`invalid chmod parameter: '${text}'. it should be octal string and between 0 and 07777`)
  }
  if (!text.split(',').every(part => clause.test(part))) throw invalid('invalid syntax')
  return text
}
