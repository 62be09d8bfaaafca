import { type ChildProcess, spawn } from 'node:child_process'
import { statSync, writeFileSync } from 'node:fs'
import { constants } from 'node:os'
import { sleep, throwIfAborted } from '../async/abort.ts'
import { SlipwayError } from '../errors/slipway-error.ts'
import { run } from '../sys/spawn.ts'
import { ExecFormatWatch } from './exec-format-hint.ts'
import type { ExitStatus, ProcessStdio, RunningProcess, TerminalSize } from './executor.ts'
import { feedInput } from './feed-input.ts'
import { type Sandbox, toolEnvironment } from './sandbox.ts'
import type { RuntimeProcess } from './spec/runtime-spec.ts'
import { resizeTerminal, withTerminal } from './terminal.ts'

/** A running sandbox with a container in it. */
export interface ContainerHandle {
  readonly id: string
  readonly sandbox: Sandbox
  /** The private directory as the sandbox sees it. */
  readonly directory: string
  /** The runtime with its global options. */
  readonly runtime: readonly string[]
  readonly searchPath: string
  /** Go's name of the machine's architecture. */
  readonly arch: string
}

/** Arguments for `nsenter` that lead a command into the sandbox. */
function enter(handle: ContainerHandle): string[] {
  const pid = handle.sandbox.firstProcess
  if (pid === undefined) {
    throw new SlipwayError('failed-precondition', `container ${handle.id} has stopped`)
  }
  return ['--target', String(pid), '--mount', '--pid', '--']
}

/** Starts one more process. `name` is unique in the container; files of the process are named so. */
export async function execProcess(
  handle: ContainerHandle,
  name: string,
  process: RuntimeProcess,
  stdio: ProcessStdio,
  signal: AbortSignal | undefined,
): Promise<RunningProcess> {
  throwIfAborted(signal)
  const inside = (kind: string): string => `${handle.directory}/${name}.${kind}`
  const seen = (kind: string): string => handle.sandbox.view + inside(kind)
  const target = enter(handle)
  writeFileSync(seen('json'), JSON.stringify(process))
  const command = [
    ...handle.runtime,
    'exec',
    ...['--process', inside('json'), '--pid-file', inside('pid')],
    handle.id,
  ]
  const whole = stdio.tty === undefined ? command : withTerminal(command, inside('tty'), stdio.tty)
  const child = spawn('nsenter', [...target, ...whole], {
    stdio: [stdio.stdin !== undefined || stdio.tty !== undefined ? 'pipe' : 'ignore', 'pipe', 'pipe'],
    env: toolEnvironment(handle.searchPath),
  })
  const watch = new ExecFormatWatch()
  child.stdout?.on('data', stdio.stdout)
  child.stderr?.on('data', (chunk: Buffer) => {
    watch.add(chunk)
    stdio.stderr(chunk)
  })
  if (stdio.stdin !== undefined && child.stdin !== null) feedInput(stdio.stdin, child.stdin).catch(() => {})
  const exit = exitOf(child, code => {
    const hint = code === 0 ? undefined : watch.hint(undefined, handle.arch)
    return { code, ...(hint === undefined ? {} : { hint }) }
  })
  /** Waits for a file that the process brings with it, with something in it; false where it has ended before. */
  const appeared = async (kind: string): Promise<boolean> => {
    while (!hasContent(seen(kind))) {
      if (handle.sandbox.firstProcess === undefined || child.exitCode !== null) return false
      await sleep(5)
    }
    return true
  }
  const send = async (signalName: string): Promise<void> => {
    const number = signalNumber(signalName)
    if (!(await appeared('pid'))) return
    const kill = `kill -${number} "$(cat ${inside('pid')})"`
    await run('nsenter', [...enter(handle), 'sh', '-c', kill], {
      env: toolEnvironment(handle.searchPath),
      success: [0, 1],
    })
  }
  const onAbort = (): void => {
    send('KILL').catch(() => child.kill('SIGKILL'))
  }
  signal?.addEventListener('abort', onAbort, { once: true })
  const done = exit.finally(() => signal?.removeEventListener('abort', onAbort))
  done.catch(() => {})
  return {
    exit: done,
    signal: send,
    resize: async (size: TerminalSize) => {
      if (stdio.tty === undefined || !(await appeared('tty'))) return
      await resizeTerminal(seen('tty'), size, handle.searchPath)
    },
  }
}

/** Whether something was written to a file; not where it, or all that it lies in, is gone. */
function hasContent(path: string): boolean {
  try {
    return statSync(path).size > 0
  } catch {
    return false
  }
}

/** Sends a signal to the container's first process. */
export async function signalContainer(handle: ContainerHandle, name: string): Promise<void> {
  const command = [...handle.runtime, 'kill', handle.id, String(signalNumber(name))]
  await run('nsenter', [...enter(handle), ...command], { env: toolEnvironment(handle.searchPath) })
}

async function exitOf(child: ChildProcess, status: (code: number) => ExitStatus): Promise<ExitStatus> {
  const exit = Promise.withResolvers<number>()
  child.once('error', cause => {
    const hint = 'install util-linux (nsenter)'
    exit.reject(
      new SlipwayError('failed-precondition', `cannot start a process: ${cause.message}`, { cause, hint }),
    )
  })
  child.once('close', (code, signal) => exit.resolve(code ?? 128 + constants.signals[signal ?? 'SIGKILL']))
  return status(await exit.promise)
}

/** Number of `SIGTERM`, `TERM` or `15`. Throws `invalid-argument`. */
function signalNumber(name: string): number {
  if (/^\d+$/.test(name)) return Number(name)
  const upper = name.toUpperCase()
  const known: Readonly<Record<string, number>> = constants.signals
  const number = known[upper.startsWith('SIG') ? upper : `SIG${upper}`]
  if (number === undefined) throw new SlipwayError('invalid-argument', `unknown signal ${name}`)
  return number
}
