import assert from 'node:assert/strict'
import { createHash, randomUUID } from 'node:crypto'
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { after, before, describe, it } from 'node:test'
import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf'
import { type Client, createClient } from '@connectrpc/connect'
import { lacks } from '../../../test/support/need.ts'
import { type Dockerd, startDockerd } from '../../../test/support/dockerd.ts'
import { makeScratch } from '../../../test/support/scratch.ts'
import type { SlipwayError } from '../../errors/slipway-error.ts'
import { Control } from '../../proto/gen/control_pb.ts'
import { OpSchema } from '../../proto/gen/ops_pb.ts'
import { type ExportTarget, fileSend } from '../../session/attachables/file-send.ts'
import { fileSync } from '../../session/attachables/file-sync.ts'
import type { BuildkitConnection } from '../../session/connection.ts'
import { connectDuplex } from './connect.ts'
import { openSession } from './open-session.ts'

const skip = lacks({ root: true, peers: ['dockerd', 'docker'], programs: ['runc'] })

/** Turns a request to the docker API into a connection to the BuildKit inside. */
async function hijack(socketPath: string): Promise<Duplex> {
  const headers = { connection: 'Upgrade', upgrade: 'h2c' }
  const asked = request({ socketPath, method: 'POST', path: '/grpc', headers })
  return await new Promise((resolve, reject) => {
    asked.once('upgrade', (_, socket, head) => {
      if (head.length > 0) socket.unshift(head)
      resolve(socket)
    })
    asked.once('response', response => reject(new Error(`status ${response.statusCode}`)))
    asked.once('error', reject)
    asked.end()
  })
}

function marshal(op: MessageInitShape<typeof OpSchema>): {
  readonly bytes: Uint8Array
  readonly digest: string
} {
  const bytes = toBinary(OpSchema, create(OpSchema, op))
  return { bytes, digest: `sha256:${createHash('sha256').update(bytes).digest('hex')}` }
}

/** A build that is its context: a local source, exported. */
function contextDefinition(attrs: Record<string, string>): { def: Uint8Array[] } {
  const platform = { Architecture: process.arch === 'arm64' ? 'arm64' : 'amd64', OS: 'linux' }
  const source = marshal({
    op: { case: 'source', value: { identifier: 'local://context', attrs } },
    platform,
  })
  return { def: [source.bytes, marshal({ inputs: [{ digest: source.digest, index: 0n }] }).bytes] }
}

describe('the client with the BuildKit of a docker daemon', { skip }, () => {
  let dir: string
  let dockerd: Dockerd
  let connection: BuildkitConnection
  let control: Client<typeof Control>
  const stack = new AsyncDisposableStack()

  before(async () => {
    dir = stack.use(await makeScratch()).dir
    dockerd = stack.use(await startDockerd({ dir }))
    connection = stack.use(connectDuplex(await hijack(dockerd.host.slice('unix://'.length))))
    control = createClient(Control, connection.transport)
    await mkdir(join(dir, 'context/sub dir/ä'), { recursive: true })
    await writeFile(join(dir, 'context/sub dir/ä/ö, ü.txt'), 'text')
    await writeFile(join(dir, 'context/sub dir/large'), Buffer.alloc(3_000_000, 'x'))
    await writeFile(join(dir, 'context/excluded'), '')
    await symlink('sub dir/large', join(dir, 'context/link'))
    await writeFile(join(dir, 'context/Dockerfile'), 'FROM scratch\nRUNX foo\n')
  })
  after(() => stack.disposeAsync())

  it('asks about its workers', async () => {
    const { record } = await control.listWorkers({})
    assert.equal(record[0]?.platforms[0]?.OS, 'linux')
  })

  it('sends a context and receives the result, as files and as a tar', async () => {
    let tarBytes = 0
    const tar: ExportTarget = {
      kind: 'stream',
      async receive(stream) {
        for await (const chunk of stream) tarBytes += chunk.length
      },
    }
    const id = randomUUID()
    const targets = { 0: { kind: 'directory', path: join(dir, 'out') }, 1: tar } as const
    const attachables = [fileSync({ context: { path: join(dir, 'context') } }), fileSend(targets)]
    await using session = openSession(connection, attachables, { id, name: '', sharedKey: 'test' })
    const definition = contextDefinition({
      'local.sharedkeyhint': id,
      'local.excludepatterns': JSON.stringify(['excluded', 'a, b', 'ünused']),
      'local.followpaths': JSON.stringify(['link', 'sub dir/ä']),
    })
    const Ref = randomUUID()
    const seen: string[] = []
    const watching = (async () => {
      for await (const { statuses } of control.status({ Ref })) seen.push(...statuses.map(s => s.ID))
    })()
    await control.solve({
      Ref,
      Session: session.id,
      Definition: definition,
      Exporters: [{ Type: 'local' }, { Type: 'tar' }],
    })
    await watching
    assert.deepEqual((await readdir(join(dir, 'out'))).sort(), ['link', 'sub dir'])
    assert.equal(await readFile(join(dir, 'out/sub dir/ä/ö, ü.txt'), 'utf8'), 'text')
    assert.equal((await readFile(join(dir, 'out/link'))).length, 3_000_000)
    assert.ok(tarBytes > 3_000_000)
    assert.ok(seen.includes('transferring context:'), seen.join())
  })

  it('gets errors with the lines of the file that they are about', async () => {
    const id = randomUUID()
    const path = join(dir, 'context')
    const attachables = [fileSync({ context: { path }, dockerfile: { path } })]
    await using session = openSession(connection, attachables, { id, name: '', sharedKey: '' })
    const solving = control.solve({ Ref: randomUUID(), Session: session.id, Frontend: 'dockerfile.v0' })
    await assert.rejects(solving, (error: SlipwayError) => {
      assert.match(error.message, /dockerfile parse error on line 2: unknown instruction: RUNX/)
      assert.equal(error.sources[0]?.filename, 'Dockerfile')
      assert.equal(error.sources[0]?.ranges[0]?.start.line, 2)
      return true
    })
  })

  it('gets the code of an error, named as Go names it', async () => {
    await assert.rejects(Array.fromAsync(control.status({ Ref: 'nope' })), {
      code: 'not-found',
      message: 'NotFound: no such job nope',
    })
  })
})
