import { connect, createServer, type Server, type Socket } from 'node:net'
import type { AddressInfo } from 'node:net'

/** A TCP relay to `target` that cuts connections, for tests of broken transfers. */
export class CuttingProxy implements AsyncDisposable {
  /** Bytes after which each of the next connections is cut, counted in the given direction; the others live. */
  readonly cuts: { readonly direction: 'up' | 'down'; readonly after: number }[] = []
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  private constructor(target: string) {
    const [host = '', port = ''] = target.split(':')
    this.#server = createServer(client => {
      const upstream = connect(Number(port), host)
      this.#relay(client, upstream, 'up')
      this.#relay(upstream, client, 'down')
    })
  }

  /** Starts one on a free port of 127.0.0.1. */
  static async start(target: string): Promise<CuttingProxy> {
    const proxy = new CuttingProxy(target)
    await new Promise<void>(resolve => proxy.#server.listen(0, '127.0.0.1', resolve))
    return proxy
  }

  /** `127.0.0.1:port` */
  get host(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise(resolve => this.#server.close(resolve))
  }

  /** Counts per connection and direction; a cut is used up by the first connection that gets that far. */
  #relay(from: Socket, to: Socket, direction: 'up' | 'down'): void {
    this.#sockets.add(from)
    let passed = 0
    from.on('data', chunk => {
      passed += chunk.length
      const cut = this.cuts.find(c => c.direction === direction && passed >= c.after)
      if (cut === undefined) return void to.write(chunk)
      this.cuts.splice(this.cuts.indexOf(cut), 1)
      from.destroy()
      to.destroy()
    })
    from.on('close', () => {
      this.#sockets.delete(from)
      to.destroy()
    })
    from.on('error', () => to.destroy())
  }
}
