import assert from 'node:assert/strict'
import { generateKeyPairSync, randomBytes, verify } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { duplexPair } from 'node:stream'
import { after, describe, it } from 'node:test'
import { createPublicKey } from 'node:crypto'
import { SlipwayError } from '../../errors/slipway-error.ts'
import { digestOf } from '../../oci/digest.ts'
import type { Attachable } from '../attachable.ts'
import { methodUrls } from '../attachable.ts'
import { clientContent } from '../callers/client-content.ts'
import { fetchLocalDir } from '../callers/fetch-local-dir.ts'
import { finalizeExport, findExporters } from '../callers/find-exporters.ts'
import { checkAgent, forwardAgent } from '../callers/forward-agent.ts'
import { getSecret } from '../callers/get-secret.ts'
import { isUploadUrl, pullUpload } from '../callers/pull-upload.ts'
import { fetchToken, getCredentials, hasTokenAuthority, tokenAuthority } from '../callers/registry-auth.ts'
import { sendDir, sendStream } from '../callers/send-export.ts'
import { directoryTree } from '../fsutil/directory-tree.ts'
import { inMemorySession } from '../in-memory-session.ts'
import type { SessionCaller } from '../session.ts'
import { methodSet } from '../session-headers.ts'
import { frame, frames } from '../ssh/agent.ts'
import { agentSources } from '../ssh/agent-source.ts'
import { parsePrivateKey } from '../ssh/private-key.ts'
import { uint32, WireReader, wireString } from '../ssh/wire.ts'
import { duplexTransport } from '../transport/duplex-transport.ts'
import { serveDuplex } from '../transport/serve-http2.ts'
import { auth, type RegistryCredentials } from './auth.ts'
import { contentStores } from './content.ts'
import { type ExportTarget, fileSend } from './file-send.ts'
import { fileSync } from './file-sync.ts'
import { maxSecretBytes, secrets } from './secrets.ts'
import { sessionExporter } from './session-exporter.ts'
import { ssh } from './ssh.ts'
import { fileTokenSeeds } from './token-seed.ts'
import type { HttpFetch } from './token-request.ts'
import { uploads } from './upload.ts'

const temp = await mkdtemp(join(tmpdir(), 'slipway-session-'))
after(() => rm(temp, { recursive: true }))
let names = 0
const me = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 }
const notRoot = me.uid !== 0 && 'needs root'
const fresh = (): string => join(temp, `t${names++}`)

type Session = AsyncDisposable & { readonly caller: SessionCaller }

const kinds: Readonly<Record<string, (attachables: readonly Attachable[]) => Session>> = {
  'in memory': attachables => {
    const session = inMemorySession({ id: 's', name: '', sharedKey: '' }, attachables)
    return { caller: session.caller, [Symbol.asyncDispose]: async () => session[Symbol.dispose]() }
  },
  'over a stream': attachables => {
    const [a, b] = duplexPair()
    const served = serveDuplex(b, router => {
      for (const attachable of attachables) attachable.routes(router)
    })
    const connection = duplexTransport(a)
    const caller: SessionCaller = {
      id: 's',
      name: '',
      sharedKey: '',
      supports: methodSet(methodUrls(attachables)),
      transport: connection.transport,
      closed: connection.closed,
    }
    return {
      caller,
      async [Symbol.asyncDispose]() {
        await connection[Symbol.asyncDispose]()
        await served[Symbol.asyncDispose]()
      },
    }
  },
}

async function tree(files: Readonly<Record<string, string>>): Promise<string> {
  const dir = fresh()
  await mkdir(dir)
  for (const [path, text] of Object.entries(files)) {
    await mkdir(join(dir, path, '..'), { recursive: true })
    await writeFile(join(dir, path), text)
  }
  return dir
}

async function textOf(bytes: AsyncIterable<Uint8Array>): Promise<string> {
  return Buffer.concat(await Array.fromAsync(bytes)).toString()
}

async function* bytesOf(...texts: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text)
}

for (const [kind, open] of Object.entries(kinds)) {
  describe(`attachables ${kind}`, () => {
    it('sync: fetches what the filter lets through, then only what changed', { skip: notRoot }, async () => {
      const source = await tree({ 'a/b.txt': '1', 'a/ä, ö.md': '2', 'skip/c': '3', top: '4' })
      await using session = open([fileSync({ context: { path: source } })])
      const dest = fresh()
      const options = { name: 'context', dest, excludePatterns: ['skip'] }
      const first = await fetchLocalDir(session.caller, options)
      assert.deepEqual(
        first.map(c => c.path),
        ['a', 'a/b.txt', 'a/ä, ö.md', 'top'],
      )
      await writeFile(join(source, 'top'), 'changed')
      assert.deepEqual(
        (await fetchLocalDir(session.caller, options)).map(c => `${c.kind} ${c.path}`),
        ['modify top'],
      )
      const followed = {
        name: 'context',
        dest: fresh(),
        followPaths: ['a/ä, ö.md'],
        includePatterns: ['to*'],
      }
      assert.deepEqual(
        (await fetchLocalDir(session.caller, followed)).map(c => c.path),
        ['a', 'a/ä, ö.md', 'top'],
      )
      assert.equal(session.caller.localDir?.('context'), kind === 'in memory' ? source : undefined)
    })

    it('sync: refuses directories that are not offered', async () => {
      await using session = open([fileSync({})])
      await assert.rejects(fetchLocalDir(session.caller, { name: 'etc', dest: fresh() }), {
        code: 'not-found',
        message: 'NotFound: no access allowed to dir "etc"',
      })
      await using bare = open([])
      await assert.rejects(fetchLocalDir(bare.caller, { name: 'x', dest: fresh() }), {
        message: 'no local sources enabled',
      })
    })

    it('send: writes a tree into the directory of its exporter', async () => {
      const source = await tree({ 'bin/tool': 'x', 'share/doc': 'y' })
      await symlink('tool', join(source, 'bin/link'))
      const path = await tree({ 'old/kept': '', 'bin/tool': 'before' })
      const clean = await tree({ 'old/gone': '' })
      await using session = open([
        fileSend({ 0: { kind: 'directory', path }, 3: { kind: 'directory', path: clean, remove: true } }),
      ])
      await sendDir(session.caller, await directoryTree(source), { exporterId: 0 })
      assert.deepEqual((await readdir(path, { recursive: true })).sort(), [
        'bin',
        'bin/link',
        'bin/tool',
        'old',
        'old/kept',
        'share',
        'share/doc',
      ])
      assert.equal(await readFile(join(path, 'bin/link'), 'utf8'), 'x')
      await sendDir(session.caller, await directoryTree(source), { exporterId: 3 })
      assert.deepEqual((await readdir(clean)).sort(), ['bin', 'share'])
      await assert.rejects(sendDir(session.caller, await directoryTree(source), { exporterId: 9 }), {
        message: 'exporter 9 not found',
      })
    })

    it('send: streams an archive with its metadata', async () => {
      let got = ''
      let metadata: Readonly<Record<string, string>> = {}
      const target: ExportTarget = {
        kind: 'stream',
        async receive(stream, about) {
          metadata = about
          got = await textOf(stream)
        },
      }
      await using session = open([fileSend({ 1: target })])
      const big = 'x'.repeat(3_000_000)
      const about = { 'containerimage.digest': 'sha256:1' }
      await sendStream(session.caller, bytesOf('head', big, 'tail'), about, { exporterId: 1 })
      assert.equal(got, `head${big}tail`)
      assert.equal(metadata['containerimage.digest'], 'sha256:1')
    })

    it('send: stops when the client fails, and when the source does', async () => {
      const target: ExportTarget = {
        kind: 'stream',
        async receive(stream) {
          for await (const _ of stream)
            throw new SlipwayError('resource-exhausted', 'no space left on device')
        },
      }
      await using session = open([fileSend({ 0: target })])
      async function* endless(): AsyncGenerator<Uint8Array> {
        for (;;) yield new Uint8Array(100_000)
      }
      await assert.rejects(sendStream(session.caller, endless(), {}, { exporterId: 0 }), {
        code: 'resource-exhausted',
      })
      async function* broken(): AsyncGenerator<Uint8Array> {
        yield* []
        throw new SlipwayError('internal', 'layer is broken')
      }
      await assert.rejects(sendStream(session.caller, broken(), {}, { exporterId: 0 }), {
        message: 'layer is broken',
      })
    })

    it('secrets: gives what it has, and says what it has not', async () => {
      const values: Readonly<Record<string, Uint8Array>> = {
        token: Buffer.from('s3cret'),
        huge: new Uint8Array(maxSecretBytes + 1),
      }
      await using session = open([secrets(async id => values[id])])
      assert.equal(Buffer.from(await getSecret(session.caller, 'token')).toString(), 's3cret')
      await assert.rejects(getSecret(session.caller, 'other'), {
        code: 'not-found',
        message: 'secret other: not found',
      })
      await assert.rejects(getSecret(session.caller, 'huge'), { message: /invalid secret size 512001/ })
      await using bare = open([])
      await assert.rejects(getSecret(bare.caller, 'token'), { message: 'secret token: not found' })
    })

    it('upload: gives each stream once', async () => {
      const streams = uploads()
      const url = streams.add('id1', bytesOf('FROM scratch\n', 'COPY . .\n'))
      assert.ok(isUploadUrl(url))
      await using session = open([streams])
      assert.equal(await textOf(pullUpload(session.caller, url)), 'FROM scratch\nCOPY . .\n')
      await assert.rejects(textOf(pullUpload(session.caller, url)), {
        message: 'no http response from session for id1',
      })
    })

    it('exporter: asks the client what to do with a result', async () => {
      const finalized: Readonly<Record<string, string>>[] = []
      await using session = open([
        sessionExporter({
          choose: async (metadata, refs) => [
            { type: 'local', attrs: { meta: Object.keys(metadata).join(), refs: refs.join() } },
          ],
          finalize: async response => void finalized.push(response),
        }),
      ])
      assert.deepEqual(await findExporters(session.caller, { 'a.b': new Uint8Array(1) }, ['r1', 'r2']), [
        { type: 'local', attrs: { meta: 'a.b', refs: 'r1,r2' } },
      ])
      await finalizeExport(session.caller, { done: 'yes' })
      assert.deepEqual(finalized, [{ done: 'yes' }])
      await using bare = open([])
      assert.deepEqual(await findExporters(bare.caller, {}, []), [])
    })

    it('auth: gives credentials of the host that is asked for', async () => {
      const known: Readonly<Record<string, RegistryCredentials>> = {
        'r.example': { username: 'me', password: 'pw' },
        'id.example': { username: 'ignored', identityToken: 'refresh' },
      }
      const used: string[] = []
      await using session = open([
        auth({ credentials: async host => known[host] ?? {}, onUse: w => used.push(w) }),
      ])
      assert.deepEqual(await getCredentials(session.caller, 'r.example'), { username: 'me', secret: 'pw' })
      assert.deepEqual(await getCredentials(session.caller, 'id.example'), {
        username: '',
        secret: 'refresh',
      })
      assert.deepEqual(await getCredentials(session.caller, 'else.example'), { username: '', secret: '' })
      assert.deepEqual(used, [
        '[auth] sharing credentials for r.example',
        '[auth] sharing credentials for id.example',
      ])
      assert.equal(await tokenAuthority(session.caller, 'r.example', randomBytes(32)), undefined)
      await using bare = open([])
      assert.deepEqual(await getCredentials(bare.caller, 'r.example'), { username: '', secret: '' })
    })

    it('auth: fetches tokens for the daemon', async () => {
      const requests: string[] = []
      const http: HttpFetch = async (url, init) => {
        requests.push(
          `${init.method} ${url} ${init.headers['authorization'] ?? ''} ${init.body ?? ''}`.trim(),
        )
        const oauth = init.method === 'POST' && url.includes('old')
        const body = JSON.stringify({ token: 't1', expires_in: 300, issued_at: '2026-01-02T03:04:05Z' })
        return { status: oauth ? 404 : 200, statusText: '', text: async () => body }
      }
      const used: string[] = []
      await using session = open([
        auth({
          fetch: http,
          onUse: what => used.push(what),
          credentials: async host => {
            if (host === 'fixed') return { registryToken: 'given' }
            return host === 'anonymous' ? {} : { username: 'me', password: 'p w' }
          },
        }),
      ])
      const scope = {
        realm: 'https://auth/new',
        service: 'reg',
        scopes: ['repository:a/b:pull', 'repository:c:pull'],
      }
      const issued = Date.UTC(2026, 0, 2, 3, 4, 5)
      assert.deepEqual(await fetchToken(session.caller, { ...scope, host: 'h' }), {
        token: 't1',
        expiresIn: 300,
        issuedAt: issued,
      })
      await fetchToken(session.caller, { ...scope, realm: 'https://auth/old?x=1', host: 'h' })
      await fetchToken(session.caller, { ...scope, host: 'anonymous' })
      assert.deepEqual(await fetchToken(session.caller, { ...scope, host: 'fixed' }), {
        token: 'given',
        expiresIn: 60,
      })
      const query = 'service=reg&scope=repository%3Aa%2Fb%3Apull&scope=repository%3Ac%3Apull'
      const form =
        'client_id=buildkit-client&service=reg&scope=repository%3Aa%2Fb%3Apull+repository%3Ac%3Apull&grant_type=password&username=me&password=p+w'
      assert.deepEqual(requests, [
        `POST https://auth/new  ${form}`,
        `POST https://auth/old?x=1  ${form}`,
        `GET https://auth/old?x=1&${query} Basic ${Buffer.from('me:p w').toString('base64')}`,
        `GET https://auth/new?${query}`,
      ])
      assert.equal(used[0], '[auth] a/b:pull c:pull token for h')
    })

    it('auth: reports a refusal without the secret', async () => {
      const http: HttpFetch = async () => ({ status: 403, statusText: 'Forbidden', text: async () => 'no' })
      await using session = open([
        auth({ fetch: http, credentials: async () => ({ username: 'u', password: 'hush' }) }),
      ])
      const wanted = { host: 'h', realm: 'https://auth/', service: '', scopes: [] }
      await assert.rejects(fetchToken(session.caller, wanted), (error: SlipwayError) => {
        assert.match(
          error.message,
          /failed to fetch oauth token: unexpected status from https:\/\/auth\/: 403 Forbidden$/,
        )
        assert.ok(!JSON.stringify(error).includes('hush'))
        return true
      })
    })

    it('auth: a client proves that it is the same as before', async () => {
      const dir = fresh()
      const client = (dir: string): Attachable =>
        auth({ tokenSeed: fileTokenSeeds(dir), credentials: async () => ({ username: 'u', password: 'p' }) })
      const salt = randomBytes(32)
      await using one = open([client(dir)])
      const key = await tokenAuthority(one.caller, 'h', salt)
      assert.ok(key !== undefined)
      assert.equal(await hasTokenAuthority(one.caller, 'h', salt, key), true)
      await using again = open([client(dir)])
      assert.equal(await hasTokenAuthority(again.caller, 'h', salt, key), true)
      assert.equal(await hasTokenAuthority(again.caller, 'other', salt, key), false)
      await using stranger = open([client(fresh())])
      assert.equal(await hasTokenAuthority(stranger.caller, 'h', salt, key), false)
      assert.equal((await stat(join(dir, '.token_seed'))).mode & 0o777, 0o600)
    })

    it('content: reads and lists the blobs of a layout', async () => {
      const text = 'x'.repeat(600_000)
      const digest = digestOf(text)
      const path = await tree({ [`blobs/sha256/${digest.slice(7)}`]: text, 'blobs/sha256/notadigest': '' })
      await using session = open([contentStores({ 'oci:1': { path } })])
      const content = clientContent(session.caller, 'oci:1')
      assert.equal(await content.size(digest), 600_000)
      assert.equal(await textOf(content.read(digest)), text)
      assert.equal(await textOf(content.read(digest, { offset: 599_990, length: 100 })), 'x'.repeat(10))
      assert.equal(await textOf(content.read(digest, { offset: 5, length: 3 })), 'xxx')
      assert.deepEqual(await Array.fromAsync(content.list()), [{ digest, size: 600_000 }])
      const missing = digestOf('missing')
      await assert.rejects(content.size(missing), {
        code: 'not-found',
        message: `NotFound: content ${missing}: not found`,
      })
      await assert.rejects(textOf(content.read(digest, { offset: 600_001 })), { code: 'out-of-range' })
      await assert.rejects(clientContent(session.caller, 'oci:2').size(digest), { code: 'not-found' })
      const descriptor = { digest: missing, size: 7, mediaType: '' }
      await assert.rejects(content.write(descriptor, bytesOf('missing')), { code: 'permission-denied' })
    })

    it('content: takes blobs into a cache directory', async () => {
      const path = fresh()
      await using session = open([contentStores({ [`local:${path}`]: { path, writable: true } })])
      const content = clientContent(session.caller, `local:${path}`)
      const text = 'y'.repeat(2_500_000)
      const descriptor = { digest: digestOf(text), size: text.length, mediaType: '' }
      await content.write(descriptor, bytesOf(text.slice(0, 10), text.slice(10)))
      assert.equal(await textOf(content.read(descriptor.digest)), text)
      await content.write(descriptor, bytesOf('not read at all'))
      const wrong = { digest: digestOf('right'), size: 5, mediaType: '' }
      await assert.rejects(content.write(wrong, bytesOf('wrong')), { code: 'failed-precondition' })
      await assert.rejects(content.write(wrong, bytesOf('longer')), { code: 'failed-precondition' })
      assert.deepEqual(await readdir(join(path, 'blobs/sha256')), [descriptor.digest.slice(7)])
      await content.write(wrong, bytesOf('right'))
      assert.deepEqual(await readdir(path), ['blobs'])
    })

    it('ssh: lets a container sign with keys it cannot read', async () => {
      const { privateKey, publicKey } = generateKeyPairSync('ed25519')
      const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
      const file = fresh()
      await writeFile(file, pem, { mode: 0o600 })
      await using session = open([ssh(await agentSources([{ id: '', paths: [file] }], undefined))])
      await checkAgent(session.caller, '')
      await assert.rejects(checkAgent(session.caller, 'other'), { message: 'unset ssh forward key other' })
      const path = fresh()
      await using _socket = await forwardAgent(session.caller, 'default', {
        path,
        ...me,
        mode: 0o600,
      })
      assert.equal((await stat(path)).mode & 0o777, 0o600)
      const client = connect(path)
      const answers = frames(client)
      const ask = async (request: Buffer): Promise<Buffer> => {
        client.write(frame(request))
        return (await answers.next()).value as Buffer
      }
      const list = new WireReader(await ask(Buffer.of(11)))
      assert.deepEqual([...list.bytes(1)], [12])
      assert.equal(list.uint32(), 1)
      const blob = list.string()
      const data = randomBytes(100)
      const answer = new WireReader(
        await ask(Buffer.concat([Buffer.of(13), wireString(blob), wireString(data), uint32(0)])),
      )
      assert.deepEqual([...answer.bytes(1)], [14])
      const signature = new WireReader(answer.string())
      assert.equal(signature.string().toString(), 'ssh-ed25519')
      assert.ok(verify(null, data, publicKey, signature.string()))
      assert.deepEqual([...(await ask(Buffer.of(19)))], [5], 'removing keys is refused')
      client.destroy()
    })

    it('ssh: passes questions on to an agent, and raw bytes to any socket', async () => {
      const asked: number[] = []
      const agentPath = fresh()
      const answerAll = async (connection: Socket): Promise<void> => {
        for await (const request of frames(connection)) {
          asked.push(request[0] as number)
          connection.write(frame(Buffer.of(12, 0, 0, 0, 0)))
        }
      }
      const agent = createServer(connection => void answerAll(connection)).listen(agentPath)
      const echoPath = fresh()
      const echo = createServer(connection => void connection.pipe(connection)).listen(echoPath)
      const configs = [
        { id: 'agent', paths: [] },
        { id: 'raw', paths: [echoPath], raw: true },
      ]
      await using session = open([ssh(await agentSources(configs, agentPath))])
      const path = fresh()
      await using _agent = await forwardAgent(session.caller, 'agent', { path, ...me, mode: 0o660 })
      const client = connect(path)
      const answers = frames(client)
      client.write(Buffer.concat([frame(Buffer.of(17, 1, 2)), frame(Buffer.of(11))]))
      assert.deepEqual([...((await answers.next()).value as Buffer)], [5])
      assert.deepEqual([...((await answers.next()).value as Buffer)], [12, 0, 0, 0, 0])
      assert.deepEqual(asked, [11])
      client.destroy()
      const rawPath = fresh()
      await using _raw = await forwardAgent(session.caller, 'raw', {
        path: rawPath,
        ...me,
        mode: 0o660,
      })
      const raw = connect({ path: rawPath, allowHalfOpen: true })
      raw.end('any bytes')
      assert.equal(await textOf(raw), 'any bytes')
      agent.close()
      echo.close()
    })
  })
}

describe('agentSources', () => {
  it('words its refusals as upstream does', async () => {
    const text = fresh()
    await writeFile(text, 'no key')
    const cases = [
      [
        { id: 'a', paths: [] },
        'failed to convert agent config {a [] false}: invalid empty ssh agent socket: make sure SSH_AUTH_SOCK is set',
      ],
      [
        { id: 'a', paths: ['x', 'y'], raw: true },
        'failed to convert agent config {a [x y] true}: raw mode must supply exactly one path',
      ],
      [
        { id: 'a', paths: [text], raw: true },
        `failed to convert agent config {a [${text}] true}: failed to convert agent config for ID: "a": raw mode only supported with socket paths`,
      ],
      [
        { id: '', paths: [text] },
        `failed to convert agent config {default [${text}] false}: failed to convert agent config for ID: "default": failed to parse ${text}: ssh: no key found`,
      ],
      [
        { id: 'a', paths: ['/nope'] },
        'failed to convert agent config {a [/nope] false}: failed to convert agent config for ID: "a": stat /nope: no such file or directory',
      ],
    ] as const
    for (const [config, message] of cases)
      await assert.rejects(agentSources([config], undefined), { message })
    const twice = { id: 'x', paths: [text] }
    await writeFile(text, generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }))
    await assert.rejects(agentSources([twice, twice], undefined), { message: 'duplicate agent ID "x"' })
  })
})

describe('parsePrivateKey', () => {
  for (const [type, make] of [
    ['ssh-ed25519', () => generateKeyPairSync('ed25519')],
    ['ssh-rsa', () => generateKeyPairSync('rsa', { modulusLength: 2048 })],
    ['ecdsa-sha2-nistp256', () => generateKeyPairSync('ec', { namedCurve: 'P-256' })],
    ['ecdsa-sha2-nistp521', () => generateKeyPairSync('ec', { namedCurve: 'P-521' })],
  ] as const) {
    it(`reads ${type} from PEM`, () => {
      const { privateKey } = make()
      const key = parsePrivateKey(privateKey.export({ type: 'pkcs8', format: 'pem' }).toString())
      assert.equal(key.type, type)
      assert.equal(new WireReader(key.publicBlob).string().toString(), type)
    })
  }

  it('reads the form of ssh-keygen', () => {
    const { privateKey } = generateKeyPairSync('ed25519')
    const jwk = privateKey.export({ format: 'jwk' })
    const x = Buffer.from(jwk.x as string, 'base64url')
    const d = Buffer.from(jwk.d as string, 'base64url')
    const secret = Buffer.concat([
      uint32(7),
      uint32(7),
      wireString('ssh-ed25519'),
      wireString(x),
      wireString(Buffer.concat([d, x])),
      wireString('comment'),
      Buffer.of(1, 2, 3),
    ])
    const file = (cipher: string): string => {
      const bytes = Buffer.concat([
        Buffer.from('openssh-key-v1\0'),
        wireString(cipher),
        wireString('none'),
        wireString(''),
        uint32(1),
        wireString(''),
        wireString(secret),
      ])
      return `-----BEGIN OPENSSH PRIVATE KEY-----\n${bytes.toString('base64')}\n-----END OPENSSH PRIVATE KEY-----\n`
    }
    const key = parsePrivateKey(file('none'))
    assert.equal(key.type, 'ssh-ed25519')
    assert.deepEqual(createPublicKey(key.privateKey).export({ format: 'jwk' })['x'], jwk.x)
    assert.throws(() => parsePrivateKey(file('aes256-ctr')), {
      message: 'ssh: this private key is passphrase protected',
    })
  })
})
