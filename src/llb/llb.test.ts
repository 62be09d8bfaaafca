import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { create, toBinary } from '@bufbuild/protobuf'
import { fc } from '../../test/support/fuzz.ts'
import { isSlipwayError } from '../errors/slipway-error.ts'
import { digestOf } from '../oci/digest.ts'
import { type Definition, DefinitionSchema, type Op, OpSchema } from '../proto/gen/ops_pb.ts'
import { decodeDefinition, encodeDefinition } from './definition.ts'
import { EnvList } from './env-list.ts'
import { execState } from './exec.ts'
import { file } from './file.ts'
import { parseOwner } from './file-action.ts'
import { git } from './git-source.ts'
import { parseGitUrl } from './git-url.ts'
import { decodeOp, headOf, onlySource, onlySourceDefinition } from './head.ts'
import { definitionState } from './import-definition.ts'
import { marshal } from './marshal.ts'
import { diff, merge } from './merge-diff.ts'
import { readGraph } from './read-graph.ts'
import { image, local } from './source.ts'
import { scratch, type State, withDir, withEnv } from './state.ts'

const platform = { os: 'linux', architecture: 'amd64' }
const options = { platform, localUniqueId: 'unique' }
const definitionOf = (state: State): Definition => marshal(state.output, options)
const bodies = (definition: Definition): (string | undefined)[] =>
  definition.def.map(b => decodeOp(b).op.case)

const base = withEnv(withDir(image('alpine', { platform }), '/w'), 'A', '1')
const built = execState(base, { args: ['sh', '-c', 'true'], name: 'run' })

describe('marshal', () => {
  it('gives the digests of BuildKit', () => {
    const name = 'docker.io/library/busybox:latest'
    const state = image(`${name}@${digestOf(name)}`, { platform })
    // From BuildKit v0.32.2; test/golden/dockerfile has more.
    const recorded = 'sha256:e0c48a473db0a274bc7ec3fd9d4b53035f5833d7d4606b4b11afe44a414bf371'
    assert.equal(headOf(definitionOf(state)), recorded)
  })

  it('puts inputs before the ops that need them, equal ops once, the root last', () => {
    const copy = { kind: 'copy' as const, from: built.output, source: '/a', destination: '/b' }
    const definition = definitionOf(file(execState(base, { args: ['sh', '-c', 'true'] }), [copy]))
    assert.deepEqual(bodies(definition), ['source', 'exec', 'file', undefined])
    assert.equal(headOf(definition), digestOf(definition.def[2] as Uint8Array))
  })

  it('gives nothing for the empty tree', () => {
    assert.equal(definitionOf(scratch).def.length, 0)
    assert.equal(headOf(definitionOf(scratch)), '')
  })

  it('keeps the platform out of file, merge and diff ops', () => {
    const mkdir = { kind: 'mkdir' as const, path: 'x', mode: 0o755, parents: true }
    const state = diff(merge([built, file(base, [mkdir])]), base)
    const hasPlatform = definitionOf(state).def.map(b => decodeOp(b).platform !== undefined)
    assert.deepEqual(hasPlatform, [true, true, false, false, false, false])
  })

  it('marks local directories that no session is named for', () => {
    const open = onlySource(definitionOf(local('x')))
    assert.deepEqual(open?.attrs, { 'local.unique': 'unique' })
    assert.deepEqual(onlySource(definitionOf(local('x', { sessionId: 's' })))?.attrs, {
      'local.session': 's',
    })
  })

  it('finds the one source below other steps', () => {
    const source = local('x', { name: 'load' })
    const copied = file(scratch, [{ kind: 'copy', from: source.output, source: '/', destination: '/' }])
    const found = onlySourceDefinition(definitionOf(copied))
    const { def, metadata } = definitionOf(source)
    assert.deepEqual(found?.def, def)
    assert.deepEqual(found?.metadata, {
      [headOf(definitionOf(source))]: metadata[headOf(definitionOf(source))],
    })
    assert.equal(onlySourceDefinition(definitionOf(merge([local('x'), local('y')]))), undefined)
    assert.equal(onlySourceDefinition(definitionOf(scratch)), undefined)
  })

  it('joins what is said of equal ops', () => {
    const one = execState(base, { args: ['a'], name: 'first', description: { k: 'v' } })
    const two = execState(base, { args: ['a'], name: 'second', ignoreCache: true })
    const definition = definitionOf(merge([one, file(two, [{ kind: 'rm', path: '/x' }])]))
    const digest = definition.def.map(b => digestOf(b)).find(d => definition.metadata[d]?.ignoreCache) ?? ''
    assert.deepEqual(definition.metadata[digest]?.description, { k: 'v', 'llb.customname': 'second' })
  })

  it('takes a definition into another one, with metadata and places', () => {
    const file1 = { filename: 'f', language: 'l', data: new Uint8Array([1]) }
    const ranges = [{ start: { line: 1, character: 0 }, end: { line: 1, character: 0 } }]
    const inner = definitionOf(
      execState(base, { args: ['a'], name: 'inner', locations: [{ file: file1, ranges }] }),
    )
    const outer = definitionOf(execState(definitionState(inner), { args: ['b'] }))
    assert.deepEqual(bodies(outer), ['source', 'exec', 'exec', undefined])
    const names = Object.values(outer.metadata).map(m => m.description['llb.customname'])
    assert.ok(names.includes('inner'))
    assert.equal(outer.Source?.infos[0]?.filename, 'f')
  })

  it('walks a long chain without exhausting the stack', () => {
    let state: State = base
    for (let i = 0; i < 20_000; i++) state = file(state, [{ kind: 'rm', path: `/${i}` }])
    const definition = definitionOf(state)
    assert.equal(definition.def.length, 20_002)
    assert.equal(readGraph(definition)?.nodes.length, 20_001)
  })
})

describe('states', () => {
  it('keep variables in the order in which they were last set', () => {
    const env = EnvList.empty.set('A', '1').set('B', '2').set('C', '3').set('A', '4').delete('B')
    assert.deepEqual(env.entries(), ['C=3', 'A=4'])
    assert.equal(env.get('B'), undefined)
  })

  it('resolve paths of file actions against their directory, and keep what marks a destination', () => {
    const path = (destination: string) => {
      const action = { kind: 'copy' as const, from: undefined, source: '/', destination }
      const op = decodeOp(definitionOf(file(withDir(scratch, '/w'), [action])).def[0] as Uint8Array).op
      const first = op.case === 'file' ? op.value.actions[0]?.action : undefined
      return first?.case === 'copy' ? first.value.dest : undefined
    }
    const expected = {
      a: '/w/a',
      'a/': '/w/a/',
      'a/.': '/w/a/.',
      '../b': '/b',
      '/x/../y/': '/y/',
      '/': '/',
      '/.': '/.',
    }
    for (const [given, wanted] of Object.entries(expected)) assert.equal(path(given), wanted)
  })

  it('tell numbers from names in owners', () => {
    assert.deepEqual(parseOwner('root:0'), { user: { id: 0 }, group: { id: 0 } })
    assert.deepEqual(parseOwner('me'), { user: { name: 'me' } })
    assert.deepEqual(parseOwner(':99'), { user: { id: 0 }, group: { id: 99 } })
    assert.deepEqual(parseOwner('99999999999'), { user: { name: '99999999999' } })
  })
})

describe('git', () => {
  const idOf = (state: State) => onlySource(definitionOf(state))?.identifier

  it('gives one identifier to a repository, whatever the protocol', () => {
    assert.equal(idOf(git('https://h/a/b.git', { ref: 'v1', subdir: 'x' })), 'git://h/a/b.git#v1:x')
    assert.equal(idOf(git('git@h:a/b.git', { ref: 'v1' })), 'git://h/a/b.git#v1')
    assert.equal(idOf(git('h/a/b')), 'git://h/a/b')
  })

  it('takes addresses apart', () => {
    assert.equal(parseGitUrl('a/b'), 'unknown')
    assert.equal(parseGitUrl('ftp://h/a'), 'invalid')
    assert.equal(parseGitUrl('https://h:x/a'), 'invalid')
    assert.deepEqual(parseGitUrl('ssh://u:p@h:22/a?x=%20y#r:/s/../t'), {
      scheme: 'ssh',
      host: 'h:22',
      path: '/a',
      query: [['x', ' y']],
      ref: 'r',
      subdir: 't',
      remote: 'ssh://u:p@h:22/a',
    })
  })
})

describe('readGraph', () => {
  const withOps = (ops: readonly Parameters<typeof create<typeof OpSchema>>[1][]): Definition => {
    const def: Uint8Array[] = []
    for (const init of ops) def.push(toBinary(OpSchema, create(OpSchema, init)))
    return create(DefinitionSchema, { def })
  }
  const source = { op: { case: 'source' as const, value: { identifier: 'local://x' } } }
  const sourceDigest = digestOf(toBinary(OpSchema, create(OpSchema, source)))
  const input = (digest: string, index = 0n) => ({ digest, index })
  const meta = { args: ['a'] }
  const root = { dest: '/', input: 0n, output: 0n }
  const exec = (value: object) =>
    ({ inputs: [input(sourceDigest)], op: { case: 'exec' as const, value } }) as never
  const digest = (init: never) => digestOf(toBinary(OpSchema, create(OpSchema, init)))

  it('reads what marshal writes', () => {
    const definition = definitionOf(file(built, [{ kind: 'mkdir', path: '/x', mode: 0o700, parents: false }]))
    const graph = readGraph(decodeDefinition(encodeDefinition(definition)))
    assert.deepEqual(
      graph?.nodes.map(node => node.op.op.case),
      ['source', 'exec', 'file'],
    )
    assert.equal(graph?.root.node, graph?.nodes[2])
    assert.equal(readGraph(definitionOf(scratch)), undefined)
  })

  const last = exec({ meta, mounts: [root] })
  const problems: Readonly<Record<string, [Definition, string]>> = {
    'a root with a body': [withOps([source]), 'invalid LLB: the last op must have one input and no body'],
    'a missing input': [withOps([{ inputs: [input('sha256:x')] }]), 'invalid missing input digest sha256:x'],
    'an output that is not there': [
      withOps([source, { inputs: [input(sourceDigest, 1n)] }]),
      'invalid input 0 output index 1',
    ],
    'a negative output': [
      withOps([source, { inputs: [input(sourceDigest, -1n)] }]),
      'invalid input 0 output index -1',
    ],
    'a process without arguments': [
      withOps([
        source,
        exec({ meta: {}, mounts: [root] }),
        { inputs: [input(digest(exec({ meta: {}, mounts: [root] })))] },
      ]),
      'invalid exec op with no args',
    ],
    'a process without a root': [
      withOps([
        source,
        exec({ meta, mounts: [{ dest: '/x' }] }),
        { inputs: [input(digest(exec({ meta, mounts: [{ dest: '/x' }] })))] },
      ]),
      'invalid exec op with no rootfs',
    ],
    'a mount of an input that is not there': [
      withOps([
        source,
        exec({ meta, mounts: [{ ...root, input: 1n }] }),
        { inputs: [input(digest(exec({ meta, mounts: [{ ...root, input: 1n }] })))] },
      ]),
      'invalid mount input index: 1',
    ],
  }
  for (const [what, [definition, message]] of Object.entries(problems)) {
    it(`refuses ${what}`, () =>
      assert.throws(() => readGraph(definition), { code: 'invalid-argument', message }))
  }

  it('refuses abilities that are missing', () => {
    const definition = withOps([source, last, { inputs: [input(digest(last))] }])
    definition.metadata[sourceDigest] = {
      ...create(DefinitionSchema).metadata[''],
      caps: { 'source.x': true },
    } as never
    assert.throws(() => readGraph(definition, { capabilities: new Set(['source.local']) }), {
      code: 'unimplemented',
      message: 'unknown API capability source.x',
    })
  })

  it('throws nothing but SlipwayErrors, whatever the bytes are', () => {
    const good = encodeDefinition(definitionOf(merge([built, file(built, [{ kind: 'rm', path: '/x' }])])))
    const damage = fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 })
    fc.assert(
      fc.property(damage, fc.nat(good.length), (changes, cut) => {
        const bytes = good.slice(0, cut % 2 === 0 ? good.length : cut)
        for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value
        try {
          readGraph(decodeDefinition(bytes))
          definitionState(decodeDefinition(bytes))
        } catch (error) {
          if (!isSlipwayError(error)) throw error
        }
      }),
      { numRuns: 500 },
    )
  })

  it('reads ops with random numbers', () => {
    const number = fc.bigInt({ min: -2n, max: 3n })
    const op: fc.Arbitrary<Op> = fc.tuple(number, number, number).map(([a, b, c]) =>
      create(OpSchema, {
        inputs: [input(sourceDigest)],
        op: { case: 'file', value: { actions: [{ input: a, secondaryInput: b, output: c }] } },
      }),
    )
    fc.assert(
      fc.property(op, o => {
        const bytes = toBinary(OpSchema, o)
        const definition = create(DefinitionSchema, {
          def: [
            toBinary(OpSchema, create(OpSchema, source)),
            bytes,
            toBinary(OpSchema, create(OpSchema, { inputs: [input(digestOf(bytes))] })),
          ],
        })
        assert.throws(() => readGraph(definition), { code: 'invalid-argument' })
      }),
    )
  })
})
