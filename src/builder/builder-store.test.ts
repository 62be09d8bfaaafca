import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { openStore } from './builder-store.ts'
import { type ConfigDir, openConfigDir } from './config-dir.ts'
import { readBuildState, saveBuildGroup, saveBuildState } from './local-state.ts'
import type { NodeGroup } from './node-group.ts'
import { parseNodeGroup } from './node-group-json.ts'
import { leaveNode, type NodeChange, updateNode } from './update-node.ts'

const root = mkdtempSync(join(tmpdir(), 'slipway-store-'))
after(() => rmSync(root, { recursive: true }))
let count = 0
const freshDir = (): ConfigDir => openConfigDir(join(root, `${count++}`), {})

const group = (name: string): NodeGroup => ({
  name,
  driver: 'remote',
  nodes: [{ name: `${name}0`, endpoint: 'tcp://a:1', driverOpts: { b: '2', a: '<1>' } }],
  dynamic: false,
})

const change = (fields: Partial<NodeChange>): NodeChange => ({
  name: '',
  endpoint: 'tcp://b:1',
  endpointGiven: true,
  platforms: [],
  append: true,
  flags: undefined,
  files: undefined,
  driverOpts: undefined,
  ...fields,
})

describe('the store of builders', () => {
  it('writes the bytes that buildx writes, readable by nobody else', async () => {
    const dir = freshDir()
    using store = await openStore(dir)
    store.save(
      { ...group('Foo'), nodes: [{ ...group('Foo').nodes[0]!, files: { 'a.toml': Buffer.from('x') } }] },
      0,
    )
    const path = join(dir.path, 'instances', 'foo')
    assert.equal(
      readFileSync(path, 'utf8'),
      '{"Name":"Foo","Driver":"remote","Nodes":[{"Name":"Foo0","Endpoint":"tcp://a:1","Platforms":null,' +
        '"DriverOpts":{"a":"\\u003c1\\u003e","b":"2"},"Flags":null,"Files":{"a.toml":"eA=="}}],"Dynamic":false}',
    )
    assert.equal(statSync(path).mode & 0o777, 0o600)
    assert.equal(statSync(join(dir.path, 'instances')).mode & 0o777, 0o700)
    assert.equal(readFileSync(join(dir.path, 'activity', 'Foo'), 'utf8'), '1970-01-01T00:00:00Z')
    assert.deepEqual(store.get('FOO')?.nodes[0]?.files?.['a.toml'], new Uint8Array([120]))
  })

  it('lists the good builders beside a broken one, which is named', async () => {
    const dir = freshDir()
    using store = await openStore(dir)
    store.save(group('a'), 0)
    store.save(group('c'), 0)
    writeFileSync(join(dir.path, 'instances', 'b'), '{"Name":')
    mkdirSync(join(dir.path, 'instances', 'd'))
    const listed = store.list()
    assert.deepEqual(
      listed.map(one => one.name),
      ['a', 'b', 'c', 'd'],
    )
    const broken = listed[1]
    assert.ok(broken !== undefined && 'error' in broken)
    assert.match(broken.error.message, /^invalid builder instance: .*instances\/b/)
  })

  it('refuses names that would leave the directory', async () => {
    using store = await openStore(freshDir())
    for (const name of ['../x', '/etc/passwd', '.lock', '', '1x', 'a/b', 'a\0']) {
      assert.throws(() => store.get(name), { message: /needs to start with a letter/ }, name)
      assert.throws(() => store.remove(name), { code: 'invalid-argument' }, name)
    }
  })

  it('remembers the current builder per endpoint, globally, and as the default of an endpoint', async () => {
    using store = await openStore(freshDir())
    store.save(group('a'), 0)
    store.save(group('b'), 0)
    store.setCurrent('unix:///one', 'a', { global: false, isDefault: true })
    assert.equal(store.current('unix:///one')?.name, 'a')
    assert.equal(store.current('unix:///two'), undefined)
    assert.equal(store.current('unix:///one')?.name, 'a', 'the default of that endpoint comes back')
    store.setCurrent('unix:///one', 'b', { global: true, isDefault: false })
    assert.equal(store.current('unix:///two')?.name, 'b')
    store.remove('b')
    assert.equal(store.current('unix:///two'), undefined)
  })

  it('keeps a second process out while it is open', async () => {
    const dir = freshDir()
    const first = await openStore(dir)
    const gone = new AbortController()
    const second = openStore(dir, gone.signal)
    let opened = false
    void second.then(() => (opened = true))
    await new Promise(resolve => setTimeout(resolve, 50))
    assert.equal(opened, false)
    first[Symbol.dispose]()
    ;(await second)[Symbol.dispose]()
  })

  it('removes what it remembers of the builds of a builder', async () => {
    const dir = freshDir()
    using store = await openStore(dir)
    store.save(group('a'), 0)
    const state = { target: 't', localPath: '/x', dockerfilePath: '/x/Dockerfile', groupRef: 'g' }
    saveBuildState(dir, { builder: 'a', node: 'a0', ref: 'r1' }, state)
    saveBuildGroup(dir, 'g', { targets: ['t'], refs: ['a/a0/r1'] })
    assert.deepEqual(readBuildState(dir, { builder: 'a', node: 'a0', ref: 'r1' }), state)
    assert.equal(dir.read('refs/version')?.toString(), '2')
    store.remove('a')
    assert.equal(readBuildState(dir, { builder: 'a', node: 'a0', ref: 'r1' }), undefined)
    assert.equal(dir.read('refs/__group__/g'), undefined)
  })
})

describe('nodes of a builder', () => {
  const amd64 = { architecture: 'amd64', os: 'linux' }
  const arm64 = { architecture: 'arm64', os: 'linux' }

  it('are added under the first free name, and platforms fixed on them leave the others', () => {
    const one = updateNode(group('a'), change({ platforms: [amd64, arm64] })).group
    const two = updateNode(one, change({ endpoint: 'tcp://c:1', platforms: [arm64] })).group
    assert.deepEqual(
      two.nodes.map(node => [node.name, node.platforms]),
      [
        ['a0', []],
        ['a1', [amd64]],
        ['a2', [arm64]],
      ],
    )
  })

  it('are changed where the name is known, and told to be restarted', () => {
    const { group: changed, needsRestart } = updateNode(
      group('a'),
      change({ name: 'a0', driverOpts: { x: 'y' } }),
    )
    assert.equal(needsRestart, true)
    assert.deepEqual(changed.nodes, [{ name: 'a0', endpoint: 'tcp://b:1', driverOpts: { x: 'y' } }])
  })

  it('are refused as buildx refuses them', () => {
    assert.throws(() => updateNode(group('a'), change({ endpoint: 'tcp://a:1' })), {
      message: 'invalid duplicate endpoint tcp://a:1',
    })
    assert.throws(() => updateNode(group('a'), change({ name: 'x', append: false })), {
      message: 'node x not found, did you mean to append?',
    })
    assert.throws(() => leaveNode(group('a'), 'a0'), {
      message: 'can not leave last node, do you want to rm instance instead?',
    })
    assert.throws(() => leaveNode(group('a'), 'zz'), { message: 'node "zz" not found for a' })
  })
})

describe('instance files', () => {
  it('that are hostile are one clear error', () => {
    for (const text of [
      '',
      'null x',
      '[]',
      '{"Nodes":{}}',
      '{"Nodes":[3]}',
      '{"Nodes":[{"Platforms":"x"}]}',
      '{"Name":3}',
    ]) {
      assert.throws(() => parseNodeGroup(Buffer.from(text), '/x'), {
        code: 'invalid-argument',
        message: /^invalid builder instance: /,
      })
    }
  })

  it('that cannot be kept name the place, and the variable that names another', () => {
    assert.throws(() => openConfigDir('/proc/nothing', {}).makeFolder('instances'), {
      message: 'mkdir /proc/nothing: no such file or directory',
      hint: 'builders are kept there: let BUILDX_CONFIG name a folder that you may write to',
    })
  })
})
