import { readFileSync } from 'node:fs'
import { run } from '../sys/spawn.ts'
import type { TerminalSize } from './executor.ts'
import { quoteWord } from './root/setup-script.ts'

/**
 * The same command with a pseudo terminal as its standard input and output, whose other side are our pipes: `script`
 * from util-linux makes it. The terminal's name is written to `nameFile`, so that `resizeTerminal` finds it, once its first size is set.
 */
export function withTerminal(command: readonly string[], nameFile: string, size: TerminalSize): string[] {
  const inside = [
    `stty ${sizeArguments(size).join(' ')}`,
    `tty >${quoteWord(nameFile)}`,
    `exec ${command.map(quoteWord).join(' ')}`,
  ]
  return ['script', '--quiet', '--return', '--flush', '--command', inside.join('; '), '/dev/null']
}

/** Sets the size; the kernel tells the runtime, which passes it on. Nothing happens where the terminal is gone. */
export async function resizeTerminal(
  nameFile: string,
  size: TerminalSize,
  searchPath: string,
): Promise<void> {
  let name: string
  try {
    name = readFileSync(nameFile, 'utf8').trim()
  } catch {
    return
  }
  if (!/^\/dev\/pts\/\d+$/.test(name)) return
  await run('stty', ['-F', name, ...sizeArguments(size)], { env: { PATH: searchPath }, success: [0, 1] })
}

function sizeArguments({ rows, columns }: TerminalSize): string[] {
  return ['rows', String(rows), 'cols', String(columns)]
}
