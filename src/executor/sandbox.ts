import { type ChildProcess, spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { constants } from 'node:os'
import type { Duplex } from 'node:stream'
import { SlipwayError } from '../errors/slipway-error.ts'
import { errnoOf } from '../sys/errno-error.ts'
import { readyLine, runningLine } from './root/setup-script.ts'

/** How to start the wrapper process. */
export interface SandboxOptions {
  /** For a POSIX shell; see `setupScript`. */
  readonly script: string
  /** `open` keeps standard input a pipe for `stdin`; otherwise there is nothing to read. */
  readonly stdin: 'open' | 'none'
  readonly stdout: (chunk: Uint8Array) => void
  readonly stderr: (chunk: Uint8Array) => void
  /** Give it a network namespace of its own, too. */
  readonly network: boolean
  readonly searchPath: string
  /** A wrapper that has been started already, and the line that it waits for in place of `script`. */
  readonly waiting?: { readonly wrapper: ChildProcess; readonly line: string } | undefined
}

/** What decides how a wrapper is started. */
export type WrapperOptions = Pick<SandboxOptions, 'script' | 'stdin' | 'network' | 'searchPath'>

/** Starts a wrapper process; descriptor 3 is the channel to its script. */
export function startWrapper(options: WrapperOptions): ChildProcess {
  return spawn('setpriv', wrapperArguments(options), {
    stdio: [options.stdin === 'open' ? 'pipe' : 'ignore', 'pipe', 'pipe', 'pipe'],
    env: toolEnvironment(options.searchPath),
  })
}

/**
 * The wrapper process around one container. It lives in mount and PID namespaces of its own and dies with us: the kernel
 * kills it when this thread ends, and with the first process of a PID namespace all others in it. So neither a mount nor
 * a process outlives a `kill -9`.
 */
export class Sandbox implements AsyncDisposable {
  /** The mounts are made, the script waits for `go`. Rejects with what the commands said. */
  readonly ready: Promise<void>
  /** The script has become the runtime. Rejects as `ready` does. */
  readonly running: Promise<void>
  /** Exit code of the runtime; 128 + number after a signal. Settles when all is gone and all output was passed on. */
  readonly exit: Promise<number>
  readonly #child: ChildProcess
  readonly #channel: Duplex
  #said = ''
  #gone = false
  #killed = false
  /** Of standard error, since it was killed. */
  readonly #last: Buffer[] = []

  constructor(options: SandboxOptions) {
    const child = options.waiting?.wrapper ?? startWrapper(options)
    this.#child = child
    this.#channel = child.stdio[3] as Duplex
    child.stdout?.on('data', options.stdout)
    child.stderr?.on('data', (chunk: Buffer) => {
      if (this.#killed) this.#last.push(chunk)
      else options.stderr(chunk)
    })
    const exit = Promise.withResolvers<number>()
    child.once('error', error => exit.reject(notStarted(error)))
    child.once('close', (code, signal) => {
      this.#gone = true
      const last = withoutLastWords(Buffer.concat(this.#last))
      if (last.length > 0) options.stderr(last)
      exit.resolve(code ?? 128 + constants.signals[signal ?? 'SIGKILL'])
    })
    this.exit = exit.promise
    this.#listen()
    const ready = this.#heard(readyLine)
    this.ready = ready
    this.running = ready.then(() => this.#heard(runningLine))
    for (const promise of [this.exit, this.ready, this.running]) promise.catch(() => {})
    if (options.waiting !== undefined) this.#channel.write(`${options.waiting.line}\n`)
  }

  /** Number of the outer process; its mount namespace is the sandbox's. */
  get pid(): number {
    if (this.#child.pid === undefined) throw new SlipwayError('failed-precondition', 'no sandbox was started')
    return this.#child.pid
  }

  /** Root of the file system as the sandbox sees it. */
  get view(): string {
    return `/proc/${this.pid}/root`
  }

  /** The wrapper's standard input. */
  get stdin(): ChildProcess['stdin'] {
    return this.#child.stdin
  }

  /** Number of the first process of the PID namespace as we see it; undefined before it is there and after it ended. */
  get firstProcess(): number | undefined {
    return this.#gone ? undefined : childrenOf(this.pid)[0]
  }

  /** Lets the script go on with a line of shell. */
  go(line: string): void {
    this.#channel.end(`${line}\n`)
  }

  /**
   * Kills everything inside and waits until it is gone. The namespace's first process goes first: the kernel lets it
   * be waited for only after all others have ended.
   */
  async kill(): Promise<void> {
    this.#killed = true
    if (!this.#gone && this.#child.pid !== undefined) {
      for (const pid of [this.firstProcess ?? this.pid]) {
        try {
          process.kill(pid, 'SIGKILL')
        } catch (error) {
          if (errnoOf(error) !== 'ESRCH') throw error
        }
      }
    }
    await this.exit.catch(() => {})
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill()
  }

  #listen(): void {
    this.#channel.setEncoding('utf8')
    this.#channel.on('data', (text: string) => {
      this.#said += text
    })
    // A wrapper that is killed takes its end of the channel along.
    this.#channel.on('error', () => {})
  }

  /** Waits until the script says `line`; what it said before is taken off. */
  async #heard(line: string): Promise<void> {
    const done = Promise.withResolvers<void>()
    const look = (): void => {
      const at = this.#said.indexOf(`${line}\n`)
      if (at < 0) return
      this.#said = this.#said.slice(at + line.length + 1)
      done.resolve()
    }
    this.#channel.on('data', look)
    look()
    this.exit.then(
      code => done.reject(setupFailed(code, this.#said)),
      error => done.reject(error),
    )
    try {
      await done.promise
    } finally {
      this.#channel.off('data', look)
    }
  }
}

/** What to do where the kernel refuses namespaces and mounts. */
export const rightsHint =
  'building needs root, or a user with subordinate ids (see /etc/subuid); inside a container, one that runs with --privileged'

/** Environment of the system programs we start; nothing of our own environment reaches them. */
export function toolEnvironment(searchPath: string): Record<string, string> {
  // The newer mount interface of util-linux cuts overlay options at 256 bytes; the older one takes a page.
  return { PATH: searchPath, LIBMOUNT_FORCE_MOUNT2: 'always', LC_ALL: 'C' }
}

function wrapperArguments(options: WrapperOptions): string[] {
  const namespaces = ['--mount', '--pid', ...(options.network ? ['--net'] : [])]
  const unshare = [
    'unshare',
    ...namespaces,
    '--propagation',
    'private',
    '--fork',
    '--kill-child',
    '--mount-proc',
  ]
  return ['--pdeathsig', 'KILL', ...unshare, '--', 'sh', '-c', options.script]
}

/** unshare(1) wants to end as its child did, cannot after SIGKILL, and says so where a step's words go. */
function withoutLastWords(words: Buffer): Buffer {
  const text = words.toString('latin1')
  return Buffer.from(text.replace(/^unshare: sigprocmask unblock failed: .*\n/m, ''), 'latin1')
}

/** Children of a process. Where the kernel keeps no list of them, all processes are asked for their parent. */
function childrenOf(pid: number): number[] {
  const list = read(`/proc/${pid}/task/${pid}/children`)
  if (list !== undefined) return list.trim().split(' ').filter(Boolean).map(Number)
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name) && parentOf(name) === pid)
    .map(Number)
}

function parentOf(pid: string): number | undefined {
  const stat = read(`/proc/${pid}/stat`)
  return stat === undefined ? undefined : Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

function notStarted(cause: Error): SlipwayError {
  return new SlipwayError('failed-precondition', `cannot start a sandbox: ${cause.message}`, {
    cause,
    hint: 'install util-linux (setpriv, unshare, mount)',
  })
}

function setupFailed(code: number, said: string): SlipwayError {
  const words = said.trim().replaceAll('\n', '; ') || `exit status ${code}`
  const denied = /permission denied|operation not permitted|must be superuser/i.test(words)
  return new SlipwayError('failed-precondition', `cannot set up the container: ${words}`, {
    ...(denied ? { hint: rightsHint } : {}),
  })
}
