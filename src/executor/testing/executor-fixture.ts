import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ContainerSpec, Executor, ExitStatus, ProcessStdio } from '../executor.ts'
import type { ExecutorOptions } from '../executor-context.ts'
import { createExecutor } from '../runc-executor.ts'
import { findProgram, systemPath } from '../runtime.ts'
import { busyboxBinary, makeBusyboxRoot } from './busybox-root.ts'

/** Why containers cannot run here; false where they can. For `skip` of a test. */
export async function cannotRun(): Promise<string | false> {
  if (process.getuid?.() !== 0) return 'needs root'
  for (const program of ['runc', 'setpriv', 'unshare', 'nsenter', 'script', 'dpkg', 'apt-get']) {
    if ((await findProgram(program, systemPath)) === undefined) return `needs ${program}`
  }
  if (!readFileSync('/proc/filesystems', 'utf8').includes('overlay')) return 'needs overlayfs'
  return busyboxBinary('amd64') === undefined ? 'needs a busybox from the Debian archive' : false
}

/** What a container wrote, and how it ended. */
export interface Result {
  readonly status: ExitStatus
  readonly stdout: string
  readonly stderr: string
}

/** A state directory with one base layer (a busybox) and an executor over it; all is removed at the end. */
export class ExecutorFixture implements AsyncDisposable {
  readonly directory: string
  readonly base: string
  readonly executor: Executor
  #count = 0

  private constructor(directory: string, executor: Executor) {
    this.directory = directory
    this.base = join(directory, 'base')
    this.executor = executor
  }

  static async create(options: Partial<ExecutorOptions> = {}): Promise<ExecutorFixture> {
    const directory = mkdtempSync(join(tmpdir(), 'slipway-executor-'))
    const executor = await createExecutor({ root: join(directory, 'executor'), ...options })
    const fixture = new ExecutorFixture(directory, executor)
    makeBusyboxRoot(fixture.base, busyboxBinary('amd64') as string)
    return fixture
  }

  /** Makes an empty directory. */
  make(name = 'dir'): string {
    const path = join(this.directory, `${name}${this.#count++}`)
    mkdirSync(path, { recursive: true })
    return path
  }

  /** A container that runs a shell command on a fresh layer over the base; `change` overrides. */
  container(script: string, change: Partial<ContainerSpec> = {}): ContainerSpec & { readonly upper: string } {
    const upper = this.make('upper')
    return {
      id: `t${process.pid}x${this.#count++}`,
      root: { kind: 'overlay', lowers: [this.base], upper, work: this.make('work') },
      readonlyRoot: false,
      mounts: [],
      process: {
        args: ['/bin/sh', '-c', script],
        env: ['PATH=/bin'],
        cwd: '/',
        user: { uid: 0, gid: 0, groups: [] },
      },
      network: 'default',
      security: 'sandbox',
      extraHosts: [],
      ulimits: [],
      ...change,
      upper,
    }
  }

  /** Runs it to the end and collects its output. */
  async run(container: ContainerSpec, signal?: AbortSignal): Promise<Result> {
    const output = new Output()
    const status = await this.executor.run(container, output, signal)
    return { status, stdout: output.text, stderr: output.errors }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    rmSync(this.directory, { recursive: true, force: true })
  }
}

/** Collects what a process writes. */
export class Output implements ProcessStdio {
  text = ''
  errors = ''
  readonly #waiting = new Set<() => void>()

  readonly stdout = (chunk: Uint8Array): void => {
    this.text += Buffer.from(chunk).toString()
    for (const look of this.#waiting) look()
  }

  readonly stderr = (chunk: Uint8Array): void => {
    this.errors += Buffer.from(chunk).toString()
  }

  /** Resolves when the output contains `text`. */
  async waitFor(text: string): Promise<void> {
    if (this.text.includes(text)) return
    const found = Promise.withResolvers<void>()
    const look = (): void => {
      if (this.text.includes(text)) found.resolve()
    }
    this.#waiting.add(look)
    await found.promise
    this.#waiting.delete(look)
  }
}
