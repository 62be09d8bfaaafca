import { Socket } from 'node:net'
import type { NetworkJobs } from './network-jobs.ts'
import { WorkerPool } from './worker-pool.ts'

/**
 * A network namespace as a place to open sockets in. Only a thread of its own is in there: this one never leaves its
 * network, which it could not come back to without being root. Disposing ends the thread; sockets stay open.
 */
export class NetworkThread implements AsyncDisposable {
  readonly #pool: WorkerPool<NetworkJobs>
  readonly #namespace: () => Promise<string>

  /** `namespace`: path of one that is there; without it a new one is made, empty but for a loopback interface. */
  constructor(namespace?: string) {
    const entry = new URL('./network-worker.ts', import.meta.url)
    this.#pool = new WorkerPool({ entry, size: 1 })
    let made: Promise<string> | undefined
    this.#namespace = () =>
      (made ??= namespace === undefined ? this.#pool.run('create', undefined) : Promise.resolve(namespace))
  }

  /** Path of the namespace, for programs that connect it. */
  async namespace(): Promise<string> {
    return await this.#namespace()
  }

  /** Descriptor of a socket with this address, for a server to listen on; the caller closes it. */
  async bind(address: string, port: number): Promise<number> {
    return await this.#pool.run('bind', { namespace: await this.#namespace(), address, port })
  }

  /** Connects to an IP address. Throws what the system says (`ECONNREFUSED`). */
  async connect(address: string, port: number, signal?: AbortSignal): Promise<Socket> {
    const place = { namespace: await this.#namespace(), address, port }
    const fd = await this.#pool.run('connect', place, { signal })
    const socket = new Socket({
      fd,
      readable: true,
      writable: true,
      ...(signal === undefined ? {} : { signal }),
    })
    const connected = Promise.withResolvers<Socket>()
    socket.once('error', connected.reject)
    // Nothing is sent by this; it is over when the socket can be written to.
    socket.write('', error => (error ? connected.reject(error) : connected.resolve(socket)))
    try {
      return await connected.promise
    } catch (error) {
      socket.destroy()
      throw error
    } finally {
      socket.off('error', connected.reject)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pool[Symbol.asyncDispose]()
  }
}
