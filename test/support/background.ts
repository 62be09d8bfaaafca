import { type ChildProcess, spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'

/** A server that a test started; disposing stops it, by its process id, and waits for its end. */
export interface Background extends AsyncDisposable {
  readonly pid: number
  /** What it has printed so far, both streams. */
  readonly output: () => string
}

/** How to start a server. */
export interface BackgroundOptions {
  readonly env?: NodeJS.ProcessEnv
  readonly cwd?: string
  /** Asked every 50 ms until it says true; the server has to be running all the while. */
  readonly ready: (output: string) => boolean | Promise<boolean>
  /** Limit for becoming ready, ms; 30 s if absent. */
  readonly timeout?: number
  /** How long it may take to end after SIGTERM, ms; then it is killed. 10 s if absent. */
  readonly grace?: number
}

/** Starts a program and waits until it is ready. Throws with the end of its output when it is not, and leaves nothing. */
export async function startBackground(
  command: readonly [string, ...string[]],
  options: BackgroundOptions,
): Promise<Background> {
  const [program, ...args] = command
  const child = spawn(program, args, {
    cwd: options.cwd,
    env: options.env ?? process.env,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  const keep = (chunk: Buffer): void => {
    output = (output + chunk.toString()).slice(-1 << 20)
  }
  child.stdout.on('data', keep)
  child.stderr.on('data', keep)
  // A test process that ends without disposing must not leave the server behind.
  const atExit = (): void => void child.kill('SIGKILL')
  process.once('exit', atExit)
  const ended = new Promise<void>(resolve => {
    child.once('close', () => resolve())
    child.once('error', error => {
      output += `\n${error.message}`
      resolve()
    })
  })
  const stop = async (): Promise<void> => {
    await terminate(child, ended, options.grace ?? 10_000)
    process.off('exit', atExit)
  }
  const deadline = Date.now() + (options.timeout ?? 30_000)
  while (!(await options.ready(output))) {
    if (
      child.exitCode === null &&
      child.signalCode === null &&
      child.pid !== undefined &&
      Date.now() < deadline
    ) {
      await sleep(50)
      continue
    }
    await stop()
    throw new Error(`${program} did not become ready:\n${output.trim().split('\n').slice(-20).join('\n')}`)
  }
  return { pid: child.pid ?? -1, output: () => output, [Symbol.asyncDispose]: stop }
}

async function terminate(child: ChildProcess, ended: Promise<void>, grace: number): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), grace)
  await ended
  clearTimeout(timer)
}
