import { randomBytes } from 'node:crypto'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isSlipwayError, SlipwayError } from '../errors/slipway-error.ts'
import type { ClientSink } from '../exporter/client-sink.ts'
import type { SecretSource } from '../ops/secret-source.ts'
import { checkAgent, forwardAgent } from '../session/callers/forward-agent.ts'
import { getSecret } from '../session/callers/get-secret.ts'
import { isUploadUrl, pullUpload } from '../session/callers/pull-upload.ts'
import { fetchToken, getCredentials, tokenAuthority } from '../session/callers/registry-auth.ts'
import { sendDir, sendStream } from '../session/callers/send-export.ts'
import type { SessionCaller, SessionStore } from '../session/session.ts'
import type { SourceContext } from '../source/source-context.ts'
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
    async sshAgent(id, owner, ctx) {
      let refusal: unknown
      for (const caller of callers(store, ctx.sessions())) {
        try {
          await checkAgent(caller, id, ctx.signal)
        } catch (e) {
          if (ctx.signal.aborted) throw e
          refusal ??= isSlipwayError(e) && e.code === 'unimplemented' ? undefined : e
          continue
        }
        const directory = await mkdtemp(join(tmpdir(), 'slipway-ssh-'))
        // Steps may run as any user: the socket's own mode decides who may use it.
        await chmod(directory, 0o711)
        const path = join(directory, 'agent.sock')
        const forwarding = await forwardAgent(caller, id, { path, ...owner }, ctx.signal)
        return {
          path,
          async [Symbol.asyncDispose]() {
            await forwarding[Symbol.asyncDispose]()
            await rm(directory, { recursive: true, force: true })
          },
        }
      }
      if (refusal !== undefined) throw refusal
      return undefined
    },
  }
}

/** Streams that clients offer under URLs of their session; undefined for URLs of other servers. */
export function sessionUpload(
  store: SessionStore,
): (url: string, ctx: SourceContext) => AsyncIterable<Uint8Array> | undefined {
  return (url, ctx) => {
    if (!isUploadUrl(url)) return undefined
    const [caller] = callers(store, ctx.sessions())
    if (caller === undefined) throw new SlipwayError('not-found', `no active session for ${url}`)
    return pullUpload(caller, url, ctx.signal)
  }
}

/** Where exports of a session go: to its client. */
export async function sessionSink(store: SessionStore, id: string): Promise<ClientSink> {
  const caller = await store.get(id)
  return {
    sendStream: (exporterId, metadata, stream, signal) =>
      sendStream(caller, stream, metadata, { exporterId, signal }),
    sendTrees: (exporterId, trees, report, signal) =>
      sendDir(caller, sinkSyncTree(trees, report), { exporterId, signal }),
  }
}
