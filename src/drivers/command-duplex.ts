import { Duplex } from 'node:stream'
import { SlipwayError } from '../errors/slipway-error.ts'
import { spawn } from '../sys/spawn.ts'

/** How the program is started. */
export interface CommandDuplexOptions {
  readonly env: Readonly<Record<string, string>>
}

/** What is kept of standard error, bytes. */
const keptErrors = 4096

/**
 * A program's standard streams as one byte stream (`ssh … dial-stdio`). Destroying it ends the program; a program that
 * fails destroys it with `unavailable` and the program's last words.
 */
export function commandDuplex(
  command: string,
  args: readonly string[],
  options: CommandDuplexOptions,
): Duplex {
  const ending = new AbortController()
  const { child, exit } = spawn(command, args, {
    env: options.env,
    stdio: ['pipe', 'pipe', 'pipe'],
    signal: ending.signal,
  })
  const { stdin, stdout, stderr } = child
  if (stdin === null || stdout === null || stderr === null) throw new TypeError('standard streams are piped')
  let words = ''
  stderr.on('data', (chunk: Buffer) => {
    words = (words + chunk.toString()).slice(-keptErrors)
  })
  stdin.on('error', () => {})
  const duplex = new Duplex({
    read: () => void stdout.resume(),
    write: (chunk: Uint8Array, _encoding, done) =>
      void stdin.write(chunk, error => {
        if (error === null || error === undefined) return done()
        // A program that takes nothing more is about to end: how it ends says more than the broken pipe.
        const ended = (): void => done(error)
        exit.then(ended, ended)
      }),
    final: done => {
      stdin.end()
      done()
    },
    destroy(error, done) {
      ending.abort()
      done(error)
    },
  })
  stdout.on('data', (chunk: Buffer) => {
    if (!duplex.push(chunk)) stdout.pause()
  })
  const failed = (why: string): void => {
    if (duplex.destroyed) return
    duplex.destroy(new SlipwayError('unavailable', `command [${[command, ...args].join(' ')}] ${why}`))
  }
  exit.then(
    code => {
      if (code === 0) duplex.push(null)
      else failed(`has exited with exit status ${code}: ${words.trim() || 'no output'}`)
    },
    (error: unknown) => failed(error instanceof Error ? error.message : String(error)),
  )
  // The cause is told to whoever uses the stream; before that nobody listens.
  duplex.on('error', () => {})
  return duplex
}

/** What to do where a connection failed because its program ended; undefined for other failures. */
export function commandHint(message: string): string | undefined {
  return /command \[.*\] has exited with /s.test(message) ? 'run the command to see what it wants' : undefined
}
