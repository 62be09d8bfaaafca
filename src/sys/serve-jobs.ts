import { parentPort } from 'node:worker_threads'
import { SlipwayError } from '../errors/slipway-error.ts'
import {
  errorRecord,
  type FromWorker,
  type JobContext,
  type JobTypes,
  type ToWorker,
} from './job-protocol.ts'

/** The work behind each name, loaded when it is first asked for. */
export type JobTable<T extends JobTypes> = {
  readonly [K in keyof T]: () => Promise<
    (input: T[K]['input'], context: JobContext<T[K]['event']>) => Promise<T[K]['output']> | T[K]['output']
  >
}

/** Turns this thread into a worker of a `WorkerPool`: answers its messages with the jobs of the table. For entry modules of workers. */
export function serveJobs<T extends JobTypes>(table: JobTable<T>): void {
  const port = parentPort
  if (port === null)
    throw new SlipwayError('internal', 'a worker entry was started outside of a worker thread')
  const running = new Map<number, AbortController>()
  const send = (message: FromWorker): void => port.postMessage(message)
  port.on('message', (message: ToWorker) => {
    if (message.kind === 'cancel') running.get(message.id)?.abort()
    else void perform(message)
  })

  async function perform(message: ToWorker & { kind: 'run' }): Promise<void> {
    const { id, job } = message
    const controller = new AbortController()
    running.set(id, controller)
    const flag = new Int32Array(message.canceled)
    const check = (): void => {
      if (Atomics.load(flag, 0) !== 0) throw new SlipwayError('canceled', 'context canceled')
    }
    try {
      const load = table[job]
      if (load === undefined) throw new SlipwayError('internal', `no such job: ${job}`)
      const work = await load()
      const emit = (event: unknown): void => send({ kind: 'event', id, event })
      const output = await work(message.input, { signal: controller.signal, check, emit } as JobContext<
        T[string]['event']
      >)
      send({ kind: 'done', id, output })
    } catch (error) {
      send({ kind: 'failed', id, error: errorRecord(error) })
    } finally {
      running.delete(id)
    }
  }
}
