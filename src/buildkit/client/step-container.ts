import { create, type MessageInitShape } from '@bufbuild/protobuf'
import { AsyncQueue } from '../../async/async-queue.ts'
import { SlipwayError } from '../../errors/slipway-error.ts'
import {
  type ExecMessage,
  ExecMessageSchema,
  type NewContainerRequestSchema,
} from '../../proto/gen/gateway_pb.ts'
import { fromRpcStatus } from '../../session/errors/wire-error.ts'
import type { Bridge } from './drive-build.ts'

/** A process as a container of the bridge starts it. */
export interface StepProcessOptions {
  readonly args: readonly string[]
  /** `NAME=value`; the daemon adds PATH, and TERM where there is a terminal. */
  readonly env: readonly string[]
  readonly user: string
  /** Empty for the root of the container. */
  readonly cwd: string
  readonly tty: boolean
  /** Takes what the process prints; with a terminal all of it comes to `stdout`. */
  readonly stdout: (chunk: Uint8Array) => void
  readonly stderr: (chunk: Uint8Array) => void
}

/** A running process. */
export interface StepProcess {
  /** Settles when the process has ended and all its output was given away. Throws what it ended with, `exit code: N` too. */
  readonly ended: Promise<void>
  /** Standard input; undefined ends it. */
  write(chunk: Uint8Array | undefined): void
  /** Size of the terminal in characters. */
  resize(rows: number, columns: number): void
  /** Name without `SIG`. */
  kill(signal: string): void
}

/** A container of the bridge of a running build; the first process is its init. Disposing removes it. */
export interface StepContainer extends AsyncDisposable {
  start(id: string, options: StepProcessOptions): StepProcess
}

/** Makes a container. Throws what the daemon says. Protocol: `gateway.proto`, ExecMessage. */
export async function openContainer(
  { client, call }: Bridge,
  request: MessageInitShape<typeof NewContainerRequestSchema> & { readonly ContainerID: string },
): Promise<StepContainer> {
  const { ContainerID } = request
  await client.newContainer(request, call)
  return {
    start: (id, options) => {
      const process = new BridgeProcess(id, options)
      process.begin({ client, call }, ContainerID)
      return process
    },
    async [Symbol.asyncDispose]() {
      // Where the build has ended its containers have, too.
      await client.releaseContainer({ ContainerID }, call).catch(() => undefined)
    },
  }
}

class BridgeProcess implements StepProcess {
  readonly #id: string
  readonly #options: StepProcessOptions
  readonly #requests = new AsyncQueue<ExecMessage>()
  readonly #ended = Promise.withResolvers<void>()
  #inputOpen = true

  constructor(id: string, options: StepProcessOptions) {
    this.#id = id
    this.#options = options
    this.#ended.promise.catch(() => undefined)
  }

  get ended(): Promise<void> {
    return this.#ended.promise
  }

  begin({ client, call }: Bridge, ContainerID: string): void {
    const { args, env, user, cwd, tty } = this.#options
    const Meta = { args: [...args], env: [...env], user, cwd }
    this.#send({ case: 'Init', value: { ContainerID, Meta, Fds: tty ? [0, 1] : [0, 1, 2], Tty: tty } })
    const answers = client.execProcess(this.#requests, call)
    this.#follow(answers).then(this.#ended.resolve, this.#ended.reject)
  }

  /** A second end would be an error of the whole stream. */
  write(chunk: Uint8Array | undefined): void {
    if (!this.#inputOpen) return
    this.#inputOpen = chunk !== undefined
    const part = chunk === undefined ? { EOF: true } : { Data: chunk }
    this.#send({ case: 'File', value: { Fd: 0, ...part } })
  }

  resize(rows: number, columns: number): void {
    this.#send({ case: 'Resize', value: { Rows: rows, Cols: columns } })
  }

  kill(signal: string): void {
    this.#send({ case: 'Signal', value: { Name: signal } })
  }

  #send(Input: MessageInitShape<typeof ExecMessageSchema>['Input']): void {
    this.#requests.push(create(ExecMessageSchema, { ProcessID: this.#id, ...(Input && { Input }) }))
  }

  async #follow(answers: AsyncIterable<ExecMessage>): Promise<void> {
    let failure: SlipwayError | undefined
    let hasExited = false
    try {
      for await (const { Input } of answers) {
        if (Input.case === 'File' && Input.value.Data.length > 0) {
          const { stdout, stderr } = this.#options
          ;(Input.value.Fd === 2 ? stderr : stdout)(Input.value.Data)
        }
        if (Input.case === 'Exit') {
          failure = exitError(Input.value)
          hasExited = true
          // The daemon is done with a process only when its input has ended, too.
          this.write(undefined)
        }
        if (Input.case === 'Done') break
      }
    } catch (e) {
      // Keys that were on their way when the process ended.
      if (!hasExited) throw e
    } finally {
      this.#requests.close()
    }
    if (failure !== undefined) throw failure
  }
}

function exitError({
  Code,
  Error: status,
}: Extract<ExecMessage['Input'], { case: 'Exit' }>['value']): SlipwayError | undefined {
  const named = status === undefined ? undefined : fromRpcStatus(status)
  if (Code === 0) return named
  return new SlipwayError('unknown', `exit code: ${Code}`, { exitCode: Code })
}
