import { PassThrough } from 'node:stream'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { createInterface, type Interface } from 'node:readline'
import { AsyncQueue } from '../../async/async-queue.ts'
import type { InvokeConfig } from '../../build/invoke-config.ts'
import { newBuildRef } from '../../build/run-build.ts'
import type { StoppedBuild } from '../../build/stopped-build.ts'
import { asSlipwayError, SlipwayError } from '../../errors/slipway-error.ts'
import { shlexSplit } from '../../gostd/shlex.ts'
import { tabulate } from '../../gostd/tabwriter.ts'
import type { Host } from '../host.ts'
import { commandHelp, helpText } from './command-help.ts'
import { KeySwitch } from './key-switch.ts'
import { type RunningProcess, StepProcesses } from './step-processes.ts'

/** Detail of the error by which a build ends that is to begin anew. */
export const reloadDetail = 'slipway.Reload'

/** What a monitor works with. */
export interface MonitorOptions {
  readonly host: Pick<Host, 'stdin' | 'stdout' | 'stderr'>
  readonly config: InvokeConfig
  readonly signal: AbortSignal
}

/**
 * Lets the user look at a stopped build: a container of the failed step, or of the result, with a process attached to the
 * terminal, and behind Ctrl-a-c a prompt with the commands of `help`. Settles with `exit` or when standard input ends;
 * throws an error with `reloadDetail` for `reload`. Without a terminal keys are read from standard input as they come.
 */
export async function runMonitor(build: StoppedBuild, options: MonitorOptions): Promise<void> {
  await using monitor = new Monitor(build, options)
  await monitor.run()
}

class Monitor implements AsyncDisposable {
  readonly #host: MonitorOptions['host']
  readonly #config: InvokeConfig
  readonly #signal: AbortSignal
  readonly #processes: StepProcesses
  readonly #keys = new KeySwitch()
  readonly #typed = new PassThrough()
  readonly #lines: Interface
  readonly #left = Promise.withResolvers<void>()
  readonly #stack = new DisposableStack()
  /** The process whose terminal this is, when the user does not look at the prompt. */
  #attached: RunningProcess | undefined
  #attachedId = ''
  #atPrompt = false
  #inputEnded = false
  readonly #input = new AsyncQueue<Uint8Array>()
  /** Until it settles keys wait: a process is about to take them. */
  #starting: Promise<unknown> | undefined
  #isStarting = false
  #isOver = false

  constructor(build: StoppedBuild, { host, config, signal }: MonitorOptions) {
    this.#host = host
    this.#config = { ...config, tty: config.tty && host.stdin.isTTY && host.stdout.isTTY }
    this.#signal = signal
    this.#processes = new StepProcesses(build)
    this.#lines = createInterface({
      input: this.#typed,
      output: host.stdout.stream,
      terminal: host.stdin.isTTY && host.stdout.isTTY,
      prompt: '(buildx) ',
    })
  }

  async run(): Promise<void> {
    const { stdin, stdout } = this.#host
    this.#listen()
    if (stdin.isTTY) stdin.setRaw?.(true)
    this.#say('Launching interactive container. Press Ctrl-a-c to switch to monitor console')
    this.#rollback(this.#config)
    const resized = (): void => this.#attached?.resize(stdout.rows, stdout.columns)
    stdout.stream.on('resize', resized)
    this.#stack.defer(() => stdout.stream.off('resize', resized))
    await this.#left.promise
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true
    this.#input.close()
    this.#stack.dispose()
    this.#lines.close()
    await this.#processes[Symbol.asyncDispose]()
  }

  #listen(): void {
    const { stdin } = this.#host
    const typed = (chunk: Uint8Array): void => void this.#input.push(chunk)
    const ended = (): void => this.#input.end()
    stdin.stream.on('data', typed)
    stdin.stream.on('end', ended)
    if (stdin.stream.readableEnded) ended()
    const aborted = (): void => this.#left.reject(this.#signal.reason)
    this.#signal.addEventListener('abort', aborted, { once: true })
    this.#stack.defer(() => {
      stdin.stream.off('data', typed)
      stdin.stream.off('end', ended)
      stdin.stream.pause()
      if (stdin.isTTY) stdin.setRaw?.(false)
      this.#signal.removeEventListener('abort', aborted)
    })
    void this.#pump()
    this.#lines.on('line', line => this.#obey(line))
    this.#lines.on('SIGINT', () => this.#left.resolve())
    this.#lines.on('close', () => {
      if (!this.#isOver) this.#say('')
      this.#left.resolve()
    })
  }

  async #pump(): Promise<void> {
    for await (const chunk of this.#input) {
      for (const { keys, switches } of this.#keys.split(chunk)) {
        for (const part of linesOf(keys)) await this.#give(part)
        await this.#starting
        if (switches && !this.#isOver) this.#toggle()
      }
    }
    await this.#starting
    if (!this.#isOver) this.#endInput()
  }

  async #give(keys: Uint8Array): Promise<void> {
    await this.#starting
    if (this.#isOver) return
    if (!this.#atPrompt) return this.#attached?.write(keys)
    this.#typed.write(keys)
    // The command may be one that starts a process.
    await nextTurn()
  }

  /** A process that reads to the end may go on; behind it nothing more can be typed. */
  #endInput(): void {
    this.#inputEnded = true
    if (this.#atPrompt) this.#typed.end()
    else this.#attached?.write(undefined)
  }

  #toggle(): void {
    if (!this.#atPrompt) return this.#showPrompt()
    const attached = this.#processes.get(this.#attachedId)
    if (attached !== undefined) return this.#show(attached)
    this.#say(
      'Process isn\'t attached (previous "exec" exited?). Use "attach" for attaching or "rollback" or "exec" for running new one.',
    )
    this.#lines.prompt()
  }

  #showPrompt(): void {
    this.#attached?.showTo(undefined)
    this.#attached = undefined
    this.#atPrompt = true
    this.#say('Switched IO')
    this.#lines.prompt()
    if (this.#inputEnded) this.#typed.end()
  }

  #show(process: RunningProcess): void {
    const { stdout } = this.#host
    if (this.#atPrompt) this.#say('Switched IO')
    this.#atPrompt = false
    this.#isStarting = false
    this.#attached?.showTo(undefined)
    this.#attached = process
    process.showTo(chunk => stdout.write(chunk))
    if (stdout.rows > 0) process.resize(stdout.rows, stdout.columns)
    if (this.#inputEnded) process.write(undefined)
  }

  /** Starts a process and looks at it; the answer is its id. */
  #invoke(config: InvokeConfig, fresh: boolean): string {
    const id = newBuildRef()
    const isNamed = (config.entrypoint ?? []).length > 0 || (config.cmd ?? []).length > 0
    this.#attachedId = id
    const shown = isNamed ? config : { ...config, entrypoint: ['sh'], cmd: [] }
    const started = this.#processes.start(id, shown, fresh)
    this.#isStarting = true
    this.#starting = started.catch(() => undefined)
    void this.#follow(id, started)
    return id
  }

  async #follow(id: string, started: Promise<RunningProcess>): Promise<void> {
    try {
      const process = await started
      if (this.#attachedId === id && !this.#isOver) this.#show(process)
      await process.ended
      this.#gone(id)
    } catch (e) {
      this.#gone(id, asSlipwayError(e))
    }
  }

  #gone(id: string, error?: SlipwayError): void {
    if (this.#attachedId !== id || this.#isOver) return
    this.#isStarting = false
    this.#attachedId = ''
    const wasAtPrompt = this.#atPrompt
    if (!wasAtPrompt) this.#say('Switched IO')
    if (error !== undefined) this.#host.stderr.write(`ERROR: invoke: ${error.message}\n`)
    this.#attached = undefined
    this.#atPrompt = true
    this.#lines.prompt()
    if (!wasAtPrompt && this.#inputEnded) this.#typed.end()
  }

  #obey(line: string): void {
    try {
      const [name, ...args] = shlexSplit(line)
      if (name !== undefined) this.#command(name, args, line)
    } catch (e) {
      this.#say(`monitor: failed to parse command: ${asSlipwayError(e).message}`)
    }
    if (this.#atPrompt && !this.#isStarting && !this.#isOver) this.#lines.prompt()
  }

  #command(name: string, args: readonly string[], line: string): void {
    const [first] = args
    const { stdout } = this.#host
    switch (name) {
      case 'exit':
        this.#isOver = true
        return this.#left.resolve()
      case 'help':
        return stdout.write(first === undefined ? helpText() : commandHelp(first))
      case 'reload': {
        const details = [{ type: reloadDetail }]
        this.#isOver = true
        return this.#left.reject(new SlipwayError('aborted', 'build: restart', { details }))
      }
      case 'ps':
        return stdout.write(this.#list())
      case 'rollback':
        return this.#rollback(rolledBack(this.#config, args))
      case 'exec':
        if (first === undefined) return this.#say('exec: command must be passed')
        return this.#exec(first, args.slice(1))
      case 'attach':
        if (first === undefined) return this.#say('attach: PID of process must be passed')
        return this.#attach(first)
      default:
        this.#say(`monitor: unknown command: ${JSON.stringify(line)}`)
        stdout.write(helpText())
    }
  }

  #exec(program: string, args: readonly string[]): void {
    const { env, user = '', cwd = '', tty, always } = this.#config
    const id = this.#invoke({ always, env, user, cwd, tty, entrypoint: [program], cmd: args }, false)
    this.#say(`Process "${id}" started. Press Ctrl-a-c to switch to that process.`)
  }

  #rollback(config: InvokeConfig): void {
    const id = this.#invoke(config, true)
    this.#say(
      `Interactive container was restarted with process "${id}". Press Ctrl-a-c to switch to the new container`,
    )
  }

  #attach(id: string): void {
    const process = this.#processes.get(id)
    if (process === undefined) return this.#say(`attach: pid ${id}: not found`)
    this.#attachedId = id
    this.#say(`Attached to process "${id}". Press Ctrl-a-c to switch to the new container`)
    this.#show(process)
    process.ended.then(
      () => this.#gone(id),
      () => this.#gone(id),
    )
  }

  #list(): string {
    const rows = this.#processes.running.map(
      ({ id, words }) => `${id.padEnd(20)}\t${id === this.#attachedId}\t[${words.join(' ')}]\n`,
    )
    const options = { minWidth: 1, padding: 1, tabs: true }
    return tabulate(`PID\tCURRENT_SESSION\tCOMMAND\n${rows.join('')}`, options)
  }

  #say(line: string): void {
    this.#host.stdout.write(`${line}\n`)
  }
}

function rolledBack(config: InvokeConfig, args: readonly string[]): InvokeConfig {
  const initial = args[0] === '--init'
  const [program, ...cmd] = initial ? args.slice(1) : args
  return {
    ...config,
    ...(initial ? { initial } : {}),
    ...(program === undefined ? {} : { entrypoint: [program], cmd }),
  }
}

/** Keys up to the end of each line. */
function linesOf(keys: Uint8Array): readonly Uint8Array[] {
  const parts: Uint8Array[] = []
  let from = 0
  for (const [at, key] of keys.entries()) {
    if (key !== 0x0a && key !== 0x0d) continue
    parts.push(keys.subarray(from, at + 1))
    from = at + 1
  }
  return from < keys.length ? [...parts, keys.subarray(from)] : parts
}
