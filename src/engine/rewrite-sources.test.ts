import assert from 'node:assert/strict'
import { test } from 'node:test'
import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf'
import { digestOf } from '../oci/digest.ts'
import { type Definition, DefinitionSchema, OpSchema } from '../proto/gen/ops_pb.ts'
import { expandBuilds } from './expand-builds.ts'
import { loadDefinition } from './load-definition.ts'
import { rewriteSources } from './rewrite-sources.ts'

type OpInit = MessageInitShape<typeof OpSchema>

const encode = (op: OpInit): Uint8Array => toBinary(OpSchema, create(OpSchema, op))
const on = (bytes: Uint8Array) => ({ digest: digestOf(bytes), index: 0n })
const source = (identifier: string): OpInit => ({ op: { case: 'source', value: { identifier } } })

/** A source with one step on it. */
function stepOn(identifier: string): Definition {
  const first = encode(source(identifier))
  const step = encode({ inputs: [on(first)], op: { case: 'exec', value: { meta: { args: ['true'] } } } })
  const def = [first, step, encode({ inputs: [on(step)] })]
  return create(DefinitionSchema, { def, metadata: { [digestOf(step)]: { description: { name: 'step' } } } })
}

const graph = (definition: Definition) => loadDefinition(definition, () => undefined)?.edge.vertex

test('A changed source changes what is built on it, and metadata goes along.', async () => {
  const before = stepOn('docker-image://a')
  const after = await rewriteSources(before, async one => ({ ...one, identifier: 'docker-image://b' }))
  const step = graph(after)
  assert.equal(step?.inputs[0]?.vertex.name, 'docker-image://b')
  assert.equal(after.metadata[step?.digest ?? '']?.description['name'], 'step')
  assert.notEqual(step?.digest, graph(before)?.digest)
})

test('A definition that no policy changes stays the same object.', async () => {
  const before = stepOn('docker-image://a')
  assert.equal(await rewriteSources(before, async one => one), before)
})

test('A build op is replaced by the definition in the file of its input.', async () => {
  const inner = stepOn('docker-image://inner')
  const outer = encode(source('local://context'))
  const build = encode({
    inputs: [on(outer)],
    op: {
      case: 'build',
      value: {
        builder: -1n,
        inputs: { 'buildkit.llb.definition': { input: 0n } },
        attrs: { 'llbbuild.filename': 'f' },
      },
    },
  })
  const copy = encode({ inputs: [on(build)], op: { case: 'exec', value: { meta: { args: ['cp'] } } } })
  const definition = create(DefinitionSchema, { def: [outer, build, copy, encode({ inputs: [on(copy)] })] })
  const asked: string[] = []
  const expanded = await expandBuilds(definition, async (input, path) => {
    asked.push(`${graph(input)?.name} ${path}`)
    return toBinary(DefinitionSchema, inner)
  })
  assert.deepEqual(asked, ['local://context f'])
  const top = graph(expanded)
  assert.equal(top?.name, 'cp')
  assert.equal(top?.inputs[0]?.vertex.digest, graph(inner)?.digest)
  assert.ok(expanded.def.every(bytes => fromBinary(OpSchema, bytes).op.case !== 'build'))
})

test('Build ops that bring themselves for ever are refused.', async () => {
  const outer = encode(source('local://context'))
  const build = encode({
    inputs: [on(outer)],
    op: { case: 'build', value: { builder: -1n, inputs: { 'buildkit.llb.definition': { input: 0n } } } },
  })
  const definition = create(DefinitionSchema, { def: [outer, build, encode({ inputs: [on(build)] })] })
  await assert.rejects(
    expandBuilds(definition, async () => toBinary(DefinitionSchema, definition)),
    { message: 'invalid LLB: too many nested build ops' },
  )
})
