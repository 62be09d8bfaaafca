import type { Step } from './step.ts'
import type { Terminal } from './terminal.ts'

/** Lines of a failed step that the plain display repeats at the end. */
export const tailLength = 10

/**
 * Repeats the output of every failed step between rulers: all that is still held, or the last lines that were shown.
 * Cancelled steps are left out.
 */
export function writeErrorLogs(terminal: Terminal, steps: readonly Step[]): void {
  for (const step of steps) {
    const { vertex } = step
    if (vertex.error === undefined || vertex.error === '' || step.isCanceled) continue
    terminal.write(`------\n > ${vertex.name}:\n`)
    for (const line of [...step.lines.map(held => held.bytes()), ...step.tail]) {
      terminal.write(line)
      terminal.write('\n')
    }
    terminal.write('------\n')
  }
}
