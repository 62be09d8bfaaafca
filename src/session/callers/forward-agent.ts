import { chmod, chown, unlink } from 'node:fs/promises'
import { createServer, type Socket } from 'node:net'
import { SSH } from '../../proto/gen/sshforward_pb.ts'
import { sshIdKey } from '../attachables/ssh.ts'
import { callTalk } from '../converse.ts'
import type { SessionCaller } from '../session.ts'
import { pumpDuplex } from '../ssh/pump-duplex.ts'
import { callUnary } from '../transport/call.ts'

/** Throws what the client says where it has no agent of this id: `unset ssh forward key X`, or `unimplemented`. */
export async function checkAgent(caller: SessionCaller, id: string, signal?: AbortSignal): Promise<void> {
  await callUnary(caller.transport, SSH.method.checkAgent, { ID: id }, { signal })
}

/** The socket that a container sees. */
export interface AgentSocket {
  /** Absolute path to listen on; its directory exists. */
  readonly path: string
  readonly uid: number
  readonly gid: number
  /** Permission bits. */
  readonly mode: number
}

/**
 * Listens on a unix socket and connects whoever connects to it with an agent of the client. Disposing the result ends all
 * connections and removes the socket.
 */
export async function forwardAgent(
  caller: SessionCaller,
  id: string,
  socket: AgentSocket,
  signal?: AbortSignal,
): Promise<AsyncDisposable> {
  const ending = new AbortController()
  const connections = new Set<Promise<void>>()
  const server = createServer({ allowHalfOpen: true }, connection => {
    const served = forward(caller, id, connection, ending.signal).catch(() => {
      // The program in the container sees its connection close; the build goes on without a key.
    })
    connections.add(served)
    void served.finally(() => connections.delete(served))
  })
  const onAbort = (): void => ending.abort()
  signal?.addEventListener('abort', onAbort, { once: true })
  const dispose = async (): Promise<void> => {
    signal?.removeEventListener('abort', onAbort)
    const closed = new Promise<void>(resolve => server.close(() => resolve()))
    ending.abort()
    await Promise.all(connections)
    await closed
    await unlink(socket.path).catch(() => {})
  }
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(socket.path, resolve)
    })
    await chown(socket.path, socket.uid, socket.gid)
    await chmod(socket.path, socket.mode)
  } catch (error) {
    await dispose()
    throw error
  }
  return { [Symbol.asyncDispose]: dispose }
}

async function forward(
  caller: SessionCaller,
  id: string,
  connection: Socket,
  signal: AbortSignal,
): Promise<void> {
  const headers = new Headers({ [sshIdKey]: id === '' ? 'default' : id })
  try {
    await callTalk(
      caller.transport,
      SSH.method.forwardAgent,
      { headers, signal },
      (incoming, send, inner, end) => pumpDuplex(connection, incoming, send, inner, end),
    )
  } finally {
    connection.destroy()
  }
}
