import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { create, type DescMessage, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf'
import {
  BuildHistoryRecordSchema,
  Control,
  SolveRequestSchema,
  StatusResponseSchema,
} from './gen/control_pb.ts'
import { Auth } from './gen/auth_pb.ts'
import { Content } from './gen/content_pb.ts'
import { FileSend, FileSync } from './gen/filesync_pb.ts'
import { Packet_PacketType, PacketSchema } from './gen/fsutil_pb.ts'
import { ExecMessageSchema, LLBBridge, ResultSchema } from './gen/gateway_pb.ts'
import { Health } from './gen/health_pb.ts'
import { OpSchema } from './gen/ops_pb.ts'
import { RawSchema } from './gen/raw_pb.ts'
import { Secrets } from './gen/secrets_pb.ts'
import { SSH } from './gen/sshforward_pb.ts'
import { Upload } from './gen/upload_pb.ts'

/** A message, and its bytes as BuildKit's own code writes them. */
function row<Desc extends DescMessage>(
  schema: Desc,
  init: MessageInitShape<Desc>,
  hex: string,
): [DescMessage, Uint8Array, string] {
  return [schema, toBinary(schema, create(schema, init)), hex]
}

const wire = [
  row(OpSchema, { op: { case: 'source', value: { identifier: 'local://a' } } }, '1a0b0a096c6f63616c3a2f2f61'),
  row(OpSchema, { inputs: [{ digest: 'd', index: 2n }], platform: { OS: 'l' } }, '0a050a01641002520312016c'),
  row(
    SolveRequestSchema,
    { Ref: 'r', Session: 's', Exporters: [{ Type: 'oci' }] },
    '0a01722a01736a050a036f6369',
  ),
  row(
    StatusResponseSchema,
    { logs: [{ vertex: 'v', stream: 2n, msg: Buffer.from('m') }] },
    '1a080a017618022201 6d'.replace(' ', ''),
  ),
  row(BuildHistoryRecordSchema, { numWarnings: 3, pinned: true }, '7001980103'),
  row(PacketSchema, { type: Packet_PacketType.PACKET_FIN }, '0803'),
  row(PacketSchema, { stat: { path: 'p', mode: 0o644 } }, '12060a017010a403'),
  row(ResultSchema, { result: { case: 'ref', value: { id: 'r' } } }, '1a030a0172'),
  row(ExecMessageSchema, { ProcessID: 'p', Input: { case: 'Exit', value: { Code: 1 } } }, '0a017032020801'),
] as const

describe('messages', () => {
  for (const [schema, bytes, hex] of wire) {
    it(`${schema.typeName} is ${hex} on the wire`, () => {
      assert.equal(Buffer.from(bytes).toString('hex'), hex)
      assert.deepEqual(toBinary(schema, fromBinary(schema, bytes)), bytes)
    })
  }

  it('keep fields that are not known', () => {
    const bytes = Buffer.from('0a01722a01736a050a036f6369', 'hex')
    assert.deepEqual(Buffer.from(toBinary(RawSchema, fromBinary(RawSchema, bytes))), bytes)
  })
})

describe('services', () => {
  it('have the names of the wire', () => {
    const services = [Control, LLBBridge, Content, FileSync, FileSend, Auth, Secrets, SSH, Upload, Health]
    assert.deepEqual(
      services.map(service => service.typeName),
      [
        'moby.buildkit.v1.Control',
        'moby.buildkit.v1.frontend.LLBBridge',
        'containerd.services.content.v1.Content',
        'moby.filesync.v1.FileSync',
        'moby.filesync.v1.FileSend',
        'moby.filesync.v1.Auth',
        'moby.buildkit.secrets.v1.Secrets',
        'moby.sshforward.v1.SSH',
        'moby.upload.v1.Upload',
        'grpc.health.v1.Health',
      ],
    )
    assert.deepEqual(
      Control.methods.map(method => method.name),
      [
        'DiskUsage',
        'Prune',
        'Solve',
        'Status',
        'Session',
        'ListWorkers',
        'Info',
        'ListenBuildHistory',
        'UpdateBuildHistory',
      ],
    )
  })
})

describe('the .proto files', () => {
  const files = readdirSync(import.meta.dirname).filter(file => file.endsWith('.proto'))

  it('name what they follow', () => {
    const texts = files.map(file => [file, readFileSync(join(import.meta.dirname, file), 'utf8')] as const)
    const without = texts.filter(
      ([file, text]) => file !== 'raw.proto' && !/^\/\/ Upstream: https:\/\//m.test(text),
    )
    assert.deepEqual(
      without.map(([file]) => file),
      [],
    )
  })

  it('have generated code each', () => {
    const generated = readdirSync(join(import.meta.dirname, 'gen'))
    assert.deepEqual(generated.sort(), files.map(file => file.replace(/\.proto$/, '_pb.ts')).sort())
  })
})
