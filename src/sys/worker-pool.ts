import { Worker } from 'node:worker_threads'
import { abortError } from '../async/abort.ts'
import { Semaphore } from '../async/semaphore.ts'
import { SlipwayError, wrapError } from '../errors/slipway-error.ts'
import { errorFromRecord, type FromWorker, type JobTypes, type ToWorker } from './job-protocol.ts'

/** What a caller of `run` may pass. */
export interface JobOptions<Event> {
  readonly signal?: AbortSignal | undefined
  readonly onEvent?: (event: Event) => void
}

/** Runs jobs by name, elsewhere or here. */
export interface JobRunner<T extends JobTypes> {
  /**
   * Runs one job to its end. An abort reaches the job, and the promise settles after the job has stopped: nothing is
   * left running behind a caller's back. Throws what the job throws, as a `SlipwayError`.
   */
  run<K extends keyof T & string>(
    job: K,
    input: T[K]['input'],
    options?: JobOptions<T[K]['event']>,
  ): Promise<T[K]['output']>
}

interface Task {
  readonly id: number
  readonly onEvent: ((event: never) => void) | undefined
  readonly result: PromiseWithResolvers<unknown>
}

interface Slot {
  readonly worker: Worker
  task: Task | undefined
}

/**
 * A few threads for work that would block this one: unpacking, packing, copying. A thread takes one job at a time,
 * starts when it is first needed, and does not keep the process alive while it is idle.
 */
export class WorkerPool<T extends JobTypes> implements JobRunner<T>, AsyncDisposable {
  readonly #entry: URL
  readonly #permits: Semaphore
  readonly #idle: Slot[] = []
  readonly #all = new Set<Slot>()
  #lastId = 0
  #closed = false

  /** `entry` is a module that calls `serveJobs`; `size` the most threads at once. */
  constructor(options: { readonly entry: URL; readonly size: number }) {
    this.#entry = options.entry
    this.#permits = new Semaphore(options.size)
  }

  async run<K extends keyof T & string>(
    job: K,
    input: T[K]['input'],
    options: JobOptions<T[K]['event']> = {},
  ): Promise<T[K]['output']> {
    const { signal } = options
    using _permit = await this.#permits.acquire(signal)
    if (this.#closed) throw new SlipwayError('canceled', 'the worker pool is closed')
    const slot = this.#idle.pop() ?? this.#start()
    const task: Task = { id: ++this.#lastId, onEvent: options.onEvent, result: Promise.withResolvers() }
    const canceled = new SharedArrayBuffer(4)
    const cancel = (): void => {
      Atomics.store(new Int32Array(canceled), 0, 1)
      post(slot, { kind: 'cancel', id: task.id })
    }
    slot.task = task
    slot.worker.ref()
    signal?.addEventListener('abort', cancel, { once: true })
    try {
      post(slot, { kind: 'run', id: task.id, job, input, canceled })
      return await task.result.promise
    } catch (error) {
      throw signal?.aborted ? abortError(signal) : error
    } finally {
      signal?.removeEventListener('abort', cancel)
      slot.task = undefined
      slot.worker.unref()
      if (this.#all.has(slot)) this.#idle.push(slot)
    }
  }

  /** Ends the threads; jobs that still run are killed. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    await Promise.all([...this.#all].map(slot => slot.worker.terminate()))
  }

  #start(): Slot {
    // Descriptors that the C library opened are closed by Node here, which its tracking would take for a mistake.
    const slot: Slot = { worker: new Worker(this.#entry, { trackUnmanagedFds: false }), task: undefined }
    this.#all.add(slot)
    slot.worker.on('message', (message: FromWorker) => deliver(slot, message))
    slot.worker.on('error', error => this.#drop(slot, wrapError('worker thread', error)))
    slot.worker.on('exit', code => {
      this.#drop(slot, new SlipwayError('internal', `worker thread ended unexpectedly (exit code ${code})`))
    })
    return slot
  }

  #drop(slot: Slot, error: SlipwayError): void {
    this.#all.delete(slot)
    const at = this.#idle.indexOf(slot)
    if (at >= 0) this.#idle.splice(at, 1)
    slot.task?.result.reject(error)
  }
}

function post(slot: Slot, message: ToWorker): void {
  slot.worker.postMessage(message)
}

function deliver(slot: Slot, message: FromWorker): void {
  const { task } = slot
  if (task === undefined || task.id !== message.id) return
  switch (message.kind) {
    case 'event':
      task.onEvent?.(message.event as never)
      return
    case 'done':
      task.result.resolve(message.output)
      return
    case 'failed':
      task.result.reject(errorFromRecord(message.error))
      return
    default:
      message satisfies never
  }
}
