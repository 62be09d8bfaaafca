import type { MessageInitShape } from '@bufbuild/protobuf'
import { constants } from 'node:os'
import { AsyncQueue } from '../async/async-queue.ts'
import { asSlipwayError, SlipwayError } from '../errors/slipway-error.ts'
import type { ProcessStdio, RunningProcess } from '../executor/executor.ts'
import type { ExecMessage, ExecMessageSchema, InitMessage } from '../proto/gen/gateway_pb.ts'
import { toRpcStatus } from '../session/errors/wire-error.ts'
import type { GatewayContainer } from './gateway-container.ts'

type Message = MessageInitShape<typeof ExecMessageSchema>
type Input = NonNullable<Message['Input']>

/** One process of a stream. */
interface Process {
  readonly stdin: AsyncQueue<Uint8Array> | undefined
  readonly running: RunningProcess
}

/** Throws where the build may not start such a process. */
type CheckProcess = (container: GatewayContainer, init: InitMessage) => void

/** Exit code of a process whose end is not known. Source: buildkit v0.32.2 frontend/gateway/pb/exit.go */
const unknownExit = 255

/**
 * Processes of one stream: input, signals and sizes in; output, and how they ended, out. When the client goes away, its
 * processes are killed.
 */
export async function* runProcesses(
  messages: AsyncIterable<ExecMessage>,
  containerOf: (id: string) => GatewayContainer,
  check: CheckProcess,
  signal: AbortSignal,
): AsyncGenerator<Message> {
  const gone = new AbortController()
  const stream = new ProcessStream(containerOf, check, AbortSignal.any([signal, gone.signal]))
  const done = stream.read(messages)
  try {
    yield* stream.out
    await done
  } finally {
    gone.abort(new SlipwayError('canceled', 'context canceled'))
    await done.catch(() => {})
  }
}

class ProcessStream {
  readonly out = new AsyncQueue<Message>()
  readonly #containerOf: (id: string) => GatewayContainer
  readonly #check: CheckProcess
  readonly #signal: AbortSignal
  readonly #processes = new Map<string, Process>()
  readonly #ends: Promise<void>[] = []

  constructor(containerOf: (id: string) => GatewayContainer, check: CheckProcess, signal: AbortSignal) {
    this.#containerOf = containerOf
    this.#check = check
    this.#signal = signal
  }

  /** Takes messages until there are no more, and all processes have ended. */
  async read(messages: AsyncIterable<ExecMessage>): Promise<void> {
    try {
      for await (const message of messages) await this.#take(message)
      for (const { stdin } of this.#processes.values()) stdin?.end()
      await Promise.all(this.#ends)
      this.out.end()
    } catch (e) {
      this.out.fail(e)
    }
  }

  async #take({ ProcessID: id, Input: input }: ExecMessage): Promise<void> {
    if (id === '') throw new SlipwayError('invalid-argument', 'ProcessID required')
    const process = this.#processes.get(id)
    if (input.case === 'Init') {
      if (process !== undefined) throw new SlipwayError('already-exists', `Process ${id} already exists`)
      return this.#start(id, input.value)
    }
    if (process === undefined)
      throw new SlipwayError('not-found', `IO for process ${JSON.stringify(id)} not found`)
    switch (input.case) {
      case 'File': {
        const { Fd, Data, EOF } = input.value
        if (process.stdin === undefined || Fd !== 0)
          throw new SlipwayError('out-of-range', `fd ${Fd} unavailable to write`)
        if (Data.length > 0) await process.stdin.send(Data, this.#signal)
        if (EOF) process.stdin.end()
        return
      }
      case 'Resize':
        return process.running.resize({ rows: input.value.Rows, columns: input.value.Cols })
      case 'Signal': {
        const name = input.value.Name.replace(/^SIG/, '')
        if (!(`SIG${name}` in constants.signals)) {
          throw new SlipwayError('invalid-argument', `Unknown signal ${input.value.Name}`)
        }
        return process.running.signal(name)
      }
      default:
    }
  }

  async #start(id: string, init: InitMessage): Promise<void> {
    const container = this.#containerOf(init.ContainerID)
    const send = (Input: Input): void => void this.out.push({ ProcessID: id, Input })
    const early: (() => void)[] = []
    let started = false
    // Output must not arrive before the client knows that the process runs.
    const write =
      (Fd: number) =>
      (chunk: Uint8Array): void => {
        if (!init.Fds.includes(Fd)) return
        const message = (): void => send({ case: 'File', value: { Fd, Data: new Uint8Array(chunk) } })
        if (started) message()
        else early.push(message)
      }
    const stdin = init.Fds.includes(0) ? new AsyncQueue<Uint8Array>({ capacity: 64 }) : undefined
    const stdio: ProcessStdio = {
      stdout: write(1),
      stderr: write(2),
      ...(stdin === undefined ? {} : { stdin }),
      ...(init.Tty ? { tty: { rows: 24, columns: 80 } } : {}),
    }
    const running = await this.#run(container, init, stdio)
    this.#processes.set(id, { stdin, running })
    send({ case: 'Started', value: {} })
    started = true
    for (const message of early) message()
    this.#ends.push(this.#finish(container, init, running, stdin, send))
  }

  /** A process that cannot be started is one that has failed. */
  async #run(container: GatewayContainer, init: InitMessage, stdio: ProcessStdio): Promise<RunningProcess> {
    try {
      const process = await container.process(init)
      this.#check(container, init)
      return await container.start(process, init.Security, stdio, this.#signal)
    } catch (e) {
      const exit = Promise.reject(e)
      exit.catch(() => {})
      return { exit, signal: async () => {}, resize: async () => {} }
    }
  }

  async #finish(
    container: GatewayContainer,
    init: InitMessage,
    running: RunningProcess,
    stdin: AsyncQueue<Uint8Array> | undefined,
    send: (input: Input) => void,
  ): Promise<void> {
    const exit = await running.exit
      .then(({ code }) => {
        if (code !== 0 && container.released) throw new SlipwayError('canceled', 'context canceled')
        return code === 0 ? { Code: 0 } : { Code: code, Error: statusOf(`exit code: ${code}`) }
      })
      .catch((e: unknown) => ({ Code: unknownExit, Error: toRpcStatus(asSlipwayError(e)) }))
    stdin?.end()
    for (const Fd of init.Fds) if (Fd !== 0) send({ case: 'File', value: { Fd, EOF: true } })
    send({ case: 'Exit', value: exit })
    send({ case: 'Done', value: {} })
  }
}

const statusOf = (message: string): ReturnType<typeof toRpcStatus> =>
  toRpcStatus(new SlipwayError('unknown', message))
