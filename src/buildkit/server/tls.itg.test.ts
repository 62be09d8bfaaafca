import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { after, before, describe, it } from 'node:test'
import { createClient } from '@connectrpc/connect'
import { lacks } from '../../../test/support/need.ts'
import { makeScratch, type Scratch } from '../../../test/support/scratch.ts'
import { run } from '../../../scripts/setup/run.ts'
import { Control } from '../../proto/gen/control_pb.ts'
import { SessionStore } from '../../session/session.ts'
import { type ClientTls, connectAddress } from '../client/connect.ts'
import { fakeEngine } from './fake-engine.ts'
import { type Listening, listen } from './listen.ts'
import { createServerRoutes } from './server-routes.ts'

describe('listening with TLS', { skip: lacks({ programs: ['openssl'] }) }, () => {
  let scratch: Scratch
  let listening: Listening
  const pem = (name: string): Promise<Buffer> => readFile(scratch.path(name))

  /** A certificate for `name`, signed by `signer` or by itself. */
  async function certificate(name: string, signer?: string): Promise<void> {
    const files = ['-keyout', scratch.path(`${name}.key`), '-out', scratch.path(`${name}.crt`)]
    const ca =
      signer === undefined
        ? []
        : ['-CA', scratch.path(`${signer}.crt`), '-CAkey', scratch.path(`${signer}.key`)]
    const names = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${name},IP:127.0.0.1`]
    const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2']
    await run(['openssl', 'req', '-x509', ...kind, ...files, ...ca, ...names])
  }

  before(async () => {
    scratch = await makeScratch()
    await certificate('authority')
    await certificate('stranger')
    await certificate('daemon', 'authority')
    await certificate('client', 'authority')
    const engine = fakeEngine({ info: async () => ({ buildkitVersion: { version: 'v1' } }) })
    const tls = {
      cert: await pem('daemon.crt'),
      key: await pem('daemon.key'),
      ca: await pem('authority.crt'),
    }
    listening = await listen(['tcp://127.0.0.1:0'], createServerRoutes(engine, new SessionStore()), { tls })
  })
  after(async () => {
    await listening[Symbol.asyncDispose]()
    await scratch[Symbol.asyncDispose]()
  })

  async function version(tls?: ClientTls): Promise<string | undefined> {
    await using connection = connectAddress(listening.addresses[0] as string, tls)
    return (await createClient(Control, connection.transport).info({})).buildkitVersion?.version
  }

  it('answers a client that has a certificate of its authority', async () => {
    const tls = {
      ca: await pem('authority.crt'),
      cert: await pem('client.crt'),
      key: await pem('client.key'),
    }
    assert.equal(await version(tls), 'v1')
    assert.equal(await version({ ...tls, serverName: 'daemon' }), 'v1')
  })

  it('answers nobody else', async () => {
    const ca = await pem('authority.crt')
    await assert.rejects(version({ ca }), { code: 'unavailable' })
    const stranger = { ca, cert: await pem('stranger.crt'), key: await pem('stranger.key') }
    await assert.rejects(version(stranger), { code: 'unavailable' })
    await assert.rejects(version(), { code: 'unavailable' })
  })

  it('is not trusted without its authority, or under another name', async () => {
    const own = { cert: await pem('client.crt'), key: await pem('client.key') }
    await assert.rejects(version({ ...own, ca: await pem('stranger.crt') }), {
      code: 'unavailable',
      message: /authentication handshake failed/,
    })
    await assert.rejects(version({ ...own, ca: await pem('authority.crt'), serverName: 'other' }), {
      code: 'unavailable',
      message: /authentication handshake failed/,
    })
  })
})
