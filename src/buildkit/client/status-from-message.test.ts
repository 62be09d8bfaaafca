import assert from 'node:assert/strict'
import { create } from '@bufbuild/protobuf'
import { it } from 'node:test'
import { goJson } from '../../gostd/json.ts'
import { StatusResponseSchema } from '../../proto/gen/control_pb.ts'
import { statusFromMessage } from './status-from-message.ts'

it('warnings keep the graph that brings their file, as Go writes it', () => {
  const definition = {
    def: [Uint8Array.of(1, 2)],
    metadata: { 'sha256:a': { description: { 'llb.customname': 'x' }, caps: { 'source.local': true } } },
    Source: { locations: { 'sha256:a': {} }, infos: [] },
  }
  const info = { filename: 'Dockerfile', language: 'Dockerfile', definition }
  const message = create(StatusResponseSchema, { warnings: [{ vertex: 'v', info }, { vertex: 'w' }] })
  const [first, second] = statusFromMessage(message).warnings ?? []
  assert.equal(
    goJson(first?.definition),
    '{"def":["AQI="],"metadata":{"sha256:a":{"description":{"llb.customname":"x"},"caps":{"source.local":true}}},' +
      '"Source":{"locations":{"sha256:a":{}}}}',
  )
  assert.equal(second?.definition, undefined)
})
