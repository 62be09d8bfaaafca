import { createClient } from '@connectrpc/connect'
import { isSlipwayError, SlipwayError } from '../errors/slipway-error.ts'
import type { ClientSink } from '../exporter/client-sink.ts'
import type { SecretSource } from '../ops/secret-source.ts'
import { Auth } from '../proto/gen/auth_pb.ts'
import { Secrets } from '../proto/gen/secrets_pb.ts'
import type { SessionCaller, SessionStore } from '../session/session.ts'
import type { SessionCredentials } from './registry-lookup.ts'

/** Credentials of the clients whose sessions are named, the latest first. */
export function sessionCredentials(store: SessionStore, ids: readonly string[]): SessionCredentials {
  return {
    async credentials(host, signal) {
      for (const caller of callers(store, ids)) {
        if (!caller.supports('/moby.filesync.v1.Auth/Credentials')) continue
        const answer = await createClient(Auth, caller.transport).credentials({ Host: host }, signal ? { signal } : {})
        if (answer.Secret !== '') return { username: answer.Username, secret: answer.Secret }
      }
      return undefined
    },
  }
}

function callers(store: SessionStore, ids: readonly string[]): readonly SessionCaller[] {
  return ids.toReversed().flatMap(id => store.peek(id) ?? [])
}

/** Secrets of the clients that wait for a step. */
export function sessionSecrets(store: SessionStore): SecretSource {
  return {
    async get(id, ctx) {
      for (const caller of callers(store, ctx.sessions())) {
        if (!caller.supports('/moby.buildkit.secrets.v1.Secrets/GetSecret')) continue
        try {
          return (await createClient(Secrets, caller.transport).getSecret({ ID: id }, { signal: ctx.signal })).data
        } catch (e) {
          if (!isSlipwayError(e) || e.code !== 'not-found') throw e
        }
      }
      return undefined
    },
    sshAgent: async () => undefined,
  }
}

/** Where exports of a session go. */
export async function sessionSink(_store: SessionStore, id: string): Promise<ClientSink> {
  throw new SlipwayError('unimplemented', `no file exports to session ${id}`)
}
