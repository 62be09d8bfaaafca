import { type ChildProcess, spawn as nodeSpawn, type StdioOptions } from 'node:child_process'
import { constants } from 'node:os'
import { abortError } from '../async/abort.ts'
import { SlipwayError } from '../errors/slipway-error.ts'
import { errnoOf } from './errno-error.ts'

/** How to start a program. */
export interface SpawnOptions {
  readonly cwd?: string
  /** The whole environment; absent, the one of this process. */
  readonly env?: Readonly<Record<string, string>>
  readonly stdio?: StdioOptions
  readonly uid?: number
  readonly gid?: number
  /** Aborting sends SIGTERM, and SIGKILL `killAfterMs` later. */
  readonly signal?: AbortSignal | undefined
  /** @default 2000 */
  readonly killAfterMs?: number
}

/** A started program. `exit` rejects where the program could not be started; an abort shows in the way it ends. */
export interface Spawned {
  readonly child: ChildProcess
  /** Exit code; 128 + number for a program that a signal ended. */
  readonly exit: Promise<number>
}

/** Starts a program, tied to a signal: when that aborts, the program is ended, and `exit` settles once it is gone. */
export function spawn(command: string, args: readonly string[], options: SpawnOptions = {}): Spawned {
  const { signal, killAfterMs = 2000, ...rest } = options
  if (signal?.aborted) throw abortError(signal)
  const child = nodeSpawn(command, [...args], { ...rest, windowsHide: true })
  const exit = Promise.withResolvers<number>()
  let timer: NodeJS.Timeout | undefined
  const stop = (): void => {
    child.kill('SIGTERM')
    timer = setTimeout(() => child.kill('SIGKILL'), killAfterMs)
  }
  signal?.addEventListener('abort', stop, { once: true })
  const settled = (): void => {
    signal?.removeEventListener('abort', stop)
    clearTimeout(timer)
  }
  child.once('error', error => {
    if (child.pid !== undefined) return
    settled()
    exit.reject(notStarted(command, error))
  })
  child.once('close', (code, killer) => {
    settled()
    exit.resolve(code ?? 128 + (killer === null ? 0 : (constants.signals[killer] ?? 0)))
  })
  return { child, exit: exit.promise }
}

/** What a program left behind. */
export interface Output {
  readonly code: number
  readonly stdout: Buffer
  readonly stderr: Buffer
}

/** How to run a program to its end. */
export interface RunOptions extends SpawnOptions {
  /** What the program reads; nothing when absent. */
  readonly input?: Uint8Array | string
  /** Most bytes of standard output that are kept; more is an error. @default 16 MiB */
  readonly limit?: number
  /** Exit codes that are no failure. @default [0] */
  readonly success?: readonly number[]
}

const mostErrorOutput = 64 * 1024

/**
 * Runs a program and collects its output (of standard error the last 64 KiB). Throws `failed-precondition` where it is
 * not installed, `canceled` after an abort, `resource-exhausted` where it writes more than `limit`, and `unknown` with
 * its last words where it fails; the error carries the exit code.
 */
export async function run(
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<Output> {
  const { input, limit = 16 << 20, success = [0], ...rest } = options
  const { child, exit } = spawn(command, args, { ...rest, stdio: ['pipe', 'pipe', 'pipe'] })
  const stdout: Buffer[] = []
  let stderr = Buffer.alloc(0)
  let size = 0
  child.stdout?.on('data', (chunk: Buffer) => {
    size += chunk.length
    if (size <= limit) stdout.push(chunk)
    else child.kill('SIGKILL')
  })
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr = Buffer.concat([stderr, chunk]).subarray(-mostErrorOutput)
  })
  // A program that ends without reading its input is no failure of ours.
  child.stdin?.on('error', () => {})
  child.stdin?.end(input)
  const code = await exit
  if (options.signal?.aborted) throw abortError(options.signal)
  if (size > limit) throw new SlipwayError('resource-exhausted', `${command} wrote more than ${limit} bytes`)
  const output = { code, stdout: Buffer.concat(stdout), stderr }
  if (!success.includes(code)) throw failed(command, output)
  return output
}

function failed(command: string, output: Output): SlipwayError {
  const words = output.stderr.toString('utf8').trim()
  return new SlipwayError(
    'unknown',
    `${command}: exit status ${output.code}${words === '' ? '' : `: ${words}`}`,
    {
      exitCode: output.code,
    },
  )
}

function notStarted(command: string, cause: Error): SlipwayError {
  const errno = errnoOf(cause)
  // A folder of PATH that is closed to this user makes it EACCES.
  if (errno === 'ENOENT' || (errno === 'EACCES' && !command.includes('/'))) {
    return new SlipwayError('failed-precondition', `exec: "${command}": executable file not found in $PATH`, {
      cause,
      hint: `install ${command}, or put it in PATH`,
    })
  }
  return new SlipwayError('unknown', `exec: "${command}": ${cause.message}`, { cause })
}
