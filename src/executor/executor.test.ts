import assert from 'node:assert/strict'
import { test } from 'node:test'
import { detectCgroups, groupPath } from './cgroup.ts'
import { ExecFormatWatch } from './exec-format-hint.ts'
import type { ContainerSpec, TreeSource } from './executor.ts'
import { type PlanOptions, planMounts } from './mount-plan.ts'
import { parseCniNetwork, pluginInput } from './network/cni-config.ts'
import { idMap, subordinateRanges } from './rootless/subordinate-ids.ts'
import { needsUserNamespace, userNamespaceMarker } from './rootless/run-in-user-namespace.ts'

function container(root: TreeSource, mounts: ContainerSpec['mounts'] = []): ContainerSpec {
  return {
    id: 'one',
    root,
    readonlyRoot: false,
    mounts,
    process: { args: [], env: [], cwd: '/', user: { uid: 0, gid: 0, groups: [] } },
    network: 'default',
    security: 'sandbox',
    extraHosts: [],
    ulimits: [],
  }
}

function planOptions(): PlanOptions & { readonly links: string[] } {
  let count = 0
  const links: string[] = []
  return {
    directory: '/private',
    features: { userXattr: false, parameters: new Set(), volatile: false },
    scratch: () => `/scratch/${count++}`,
    link: (target, path) => links.push(`${path} -> ${target}`),
    links,
  }
}

const bind = (source: TreeSource, target: string, readonly = true) =>
  ({ kind: 'bind', source, target, readonly }) as const

test('a tree that occurs twice is mounted once', () => {
  const source: TreeSource = { kind: 'overlay', lowers: ['/l/1', '/l/2'], upper: '/l/3', work: '/l/4' }
  const root: TreeSource = { kind: 'overlay', lowers: ['/l/1'], upper: '/l/5', work: '/l/6' }
  const plan = planMounts(container(root, [bind(source, '/a'), bind(source, '/b', false)]), planOptions())
  assert.deepEqual(
    plan.mounts.map(mount => mount.target),
    ['rootfs', 'tree0'],
  )
  assert.equal(plan.trees.get(1)?.path, '/private/tree0')
  assert.equal(plan.rootUpper, '/l/5')
})

test('two writable views of the same layers are kept apart', () => {
  const source: TreeSource = { kind: 'overlay', lowers: ['/l/1', '/l/2'] }
  const mounts = [bind(source, '/a', false), bind(source, '/b', false), bind(source, '/c')]
  const plan = planMounts(container({ kind: 'directory', path: '/root' }, mounts), planOptions())
  assert.deepEqual(
    plan.mounts.map(mount => (mount.kind === 'overlay' ? mount.overlay.options : mount.source)),
    [
      'lowerdir=l/2:l/1,upperdir=scratch/0,workdir=scratch/1',
      'lowerdir=l/2:l/1,upperdir=scratch/2,workdir=scratch/3',
      'lowerdir=2:1',
    ],
  )
  assert.equal(plan.root.path, '/root')
  assert.equal(plan.rootUpper, '/root')
})

test('a single directory needs no overlay', () => {
  const root: TreeSource = { kind: 'overlay', lowers: [], upper: '/l/u', work: '/l/w' }
  const mounts = [
    bind({ kind: 'overlay', lowers: ['/l/1'] }, '/a'),
    bind({ kind: 'overlay', lowers: [] }, '/b'),
  ]
  const plan = planMounts(container(root, mounts), planOptions())
  assert.deepEqual(
    plan.mounts.map(mount => mount.kind === 'bind' && mount.source),
    ['/l/u', '/l/1', '/scratch/0'],
  )
})

test('more layers than an overlay takes become two, names that options cannot hold become links', () => {
  const lowers = Array.from({ length: 501 }, (_, i) => `/layers/${i}`)
  const plan = planMounts(container({ kind: 'overlay', lowers, upper: '/u', work: '/w' }), planOptions())
  assert.deepEqual(
    plan.mounts.map(mount => mount.target),
    ['rootfs-base', 'rootfs'],
  )
  const options = planOptions()
  const odd = planMounts(
    container({ kind: 'overlay', lowers: ['/l/a,b'], upper: '/l/u', work: '/l/w' }),
    options,
  )
  assert.deepEqual(options.links, ['/scratch/0/0 -> /l/a,b', '/scratch/0/1 -> /l/u', '/scratch/0/2 -> /l/w'])
  assert.deepEqual(odd.mounts, [
    {
      kind: 'overlay',
      target: 'rootfs',
      overlay: { cwd: '/scratch/0', options: 'lowerdir=0,upperdir=1,workdir=2' },
    },
  ])
  const tooMany = Array.from({ length: 1000 }, (_, i) => `/layers/${i}`)
  assert.throws(() => planMounts(container({ kind: 'overlay', lowers: tooMany }), planOptions()), {
    code: 'resource-exhausted',
  })
})

test('control group paths follow BuildKit, with our name in them', () => {
  assert.equal(groupPath('id', undefined), '/slipway/id')
  assert.equal(groupPath('id', 'mine'), '/mine/slipway/id')
  assert.equal(groupPath('id', 'system.slice:prefix:'), 'system.slice:prefix:id')
})

test('control group hierarchies are found', () => {
  const line = (type: string, point: string): string => `1 2 0:3 / ${point} rw - ${type} x rw\n`
  const unified = detectCgroups(line('cgroup2', '/dev/null/absent') + line('ext4', '/'))
  assert.deepEqual(unified, { hierarchies: ['/dev/null/absent'], unified: true, writable: false })
  const hybrid = detectCgroups(line('cgroup2', '/u') + line('cgroup', '/m'))
  assert.equal(hybrid.unified, false)
  assert.deepEqual(detectCgroups(''), { hierarchies: [], unified: false, writable: false })
})

test('a file that the kernel cannot run is explained', () => {
  const hint = (text: string, architecture?: string): string | undefined => {
    const watch = new ExecFormatWatch()
    for (const part of [text.slice(0, 7), text.slice(7)]) watch.add(Buffer.from(part))
    return watch.hint(architecture === undefined ? undefined : { os: 'linux', architecture }, 'amd64')
  }
  assert.equal(hint('all is well', 'arm64'), undefined)
  const old = 'standard_init_linux.go:211: exec user process caused "exec format error"'
  assert.match(hint(old, 's390x') ?? '', /linux\/s390x.*binfmt --install s390x/)
  assert.match(hint('exec /bin/sh: exec format error', 'amd64') ?? '', /no program for linux\/amd64/)
  assert.match(hint('exec /x: Exec format error') ?? '', /no program/)
})

test('subordinate ids are found by name and by number', () => {
  const text = 'alice:100000:65536\n1001:200000:10\nbob:1:2:3\nbroken\nalice:x:1\n'
  assert.deepEqual(subordinateRanges(text, { id: 1001, name: 'alice' }), [
    { first: 100000, count: 65536 },
    { first: 200000, count: 10 },
  ])
  assert.deepEqual(idMap('/etc/subuid', text, 1001, { id: 1001, name: 'alice' }), [
    { inside: 0, outside: 1001, length: 1 },
    { inside: 1, outside: 100000, length: 65536 },
    { inside: 65537, outside: 200000, length: 10 },
  ])
  assert.throws(() => idMap('/etc/subuid', text, 5, { id: 5, name: 'eve' }), {
    code: 'failed-precondition',
    message: 'no subordinate ids for user eve in /etc/subuid',
  })
})

test('only an ordinary user outside of a namespace of ours needs one', () => {
  assert.equal(needsUserNamespace(0, {}), false)
  assert.equal(needsUserNamespace(1000, {}), true)
  assert.equal(needsUserNamespace(1000, { [userNamespaceMarker]: '1' }), false)
})

test('CNI configurations: lists and single plugins', () => {
  const list = parseCniNetwork(
    '{"cniVersion":"1.0.0","name":"n","plugins":[{"type":"bridge","mtu":9},{"type":"fw"}]}',
  )
  assert.deepEqual(
    list.plugins.map(plugin => plugin.type),
    ['bridge', 'fw'],
  )
  assert.deepEqual(JSON.parse(pluginInput(list, list.plugins[0] ?? { type: '' }, { ips: [] })), {
    type: 'bridge',
    mtu: 9,
    name: 'n',
    cniVersion: '1.0.0',
    prevResult: { ips: [] },
  })
  assert.equal(parseCniNetwork('{"name":"n","type":"ptp"}').plugins[0]?.type, 'ptp')
  for (const bad of [
    '',
    '[]',
    '{"name":"n"}',
    '{"type":"x"}',
    '{"name":"n","type":"../x"}',
    '{"name":"n","plugins":[]}',
  ]) {
    assert.throws(() => parseCniNetwork(bad), { code: 'invalid-argument' }, bad)
  }
})
