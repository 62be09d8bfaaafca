import { createInterface } from 'node:readline'
import { abortable } from '../async/abort.ts'
import type { Host } from './host.ts'

/** Asks a question that only `y` answers with yes; the end of the input is a no. */
export async function confirm(host: Host, question: string, signal: AbortSignal): Promise<boolean> {
  host.stdout.write(`${question} [y/N] `)
  return await readYes(host, signal)
}

/** Whether the next line of standard input is `y`. */
export async function readYes(host: Pick<Host, 'stdin'>, signal: AbortSignal): Promise<boolean> {
  const lines = createInterface({ input: host.stdin.stream, terminal: false })
  try {
    const next = await abortable(lines[Symbol.asyncIterator]().next(), signal)
    return next.done !== true && next.value.toLowerCase() === 'y'
  } finally {
    lines.close()
  }
}
