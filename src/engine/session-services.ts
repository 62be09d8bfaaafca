import { randomBytes } from 'node:crypto'
import { isSlipwayError } from '../errors/slipway-error.ts'
import type { ClientSink } from '../exporter/client-sink.ts'
import type { SecretSource } from '../ops/secret-source.ts'
import { getSecret } from '../session/callers/get-secret.ts'
import { fetchToken, getCredentials, tokenAuthority } from '../session/callers/registry-auth.ts'
import { sendDir, sendStream } from '../session/callers/send-export.ts'
import type { SessionCaller, SessionStore } from '../session/session.ts'
import type { SessionCredentials } from './registry-lookup.ts'
import { sinkSyncTree } from './sink-tree.ts'

/** Credentials of the clients whose sessions are named: tokens that they fetch where they can, else names and secrets. */
export function sessionCredentials(store: SessionStore, ids: readonly string[]): SessionCredentials {
  const salt = randomBytes(32)
  return {
    async credentials(host, signal) {
      for (const caller of callers(store, ids)) {
        const found = await getCredentials(caller, host, signal)
        if (found.secret !== '') return found
      }
      return undefined
    },
    async tokens(request, signal) {
      for (const caller of callers(store, ids)) {
        if ((await tokenAuthority(caller, request.host, salt, signal)) === undefined) continue
        const token = await fetchToken(caller, request, signal)
        if (token.token !== '') return token
      }
      return undefined
    },
  }
}

function callers(store: SessionStore, ids: readonly string[]): readonly SessionCaller[] {
  return ids.toReversed().flatMap(id => store.peek(id) ?? [])
}

/** Secrets and agents of the clients that wait for a step. */
export function sessionSecrets(store: SessionStore): SecretSource {
  return {
    async get(id, ctx) {
      for (const caller of callers(store, ctx.sessions())) {
        try {
          return await getSecret(caller, id, ctx.signal)
        } catch (e) {
          if (!isSlipwayError(e) || e.code !== 'not-found') throw e
        }
      }
      return undefined
    },
    sshAgent: async () => undefined,
  }
}

/** Where exports of a session go: to its client. */
export async function sessionSink(store: SessionStore, id: string): Promise<ClientSink> {
  const caller = await store.get(id)
  return {
    sendStream: (exporterId, metadata, stream, signal) => sendStream(caller, stream, metadata, { exporterId, signal }),
    sendTrees: (exporterId, trees, report, signal) => sendDir(caller, sinkSyncTree(trees, report), { exporterId, signal }),
  }
}
