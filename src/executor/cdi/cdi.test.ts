import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { RuntimeSpec } from '../spec/runtime-spec.ts'
import { type CdiOptions, loadCdi } from './cdi-registry.ts'
import { readCdiSpec } from './cdi-spec.ts'
import { injectDevices } from './inject.ts'

function emptySpec(uid = 0): RuntimeSpec {
  return {
    ociVersion: '1.0.2',
    process: {
      terminal: false,
      user: { uid, gid: uid, additionalGids: [uid] },
      args: [],
      env: ['PATH=/bin', 'FOO=old'],
      cwd: '/',
      capabilities: { bounding: [], effective: [], permitted: [] },
      noNewPrivileges: false,
    },
    root: { path: '/', readonly: false },
    hostname: '',
    mounts: [{ destination: '/lib/x', source: 'old' }],
    linux: { maskedPaths: [], readonlyPaths: [], namespaces: [], resources: { devices: [] } },
  }
}

describe('CDI devices', () => {
  const base = mkdtempSync(join(tmpdir(), 'slipway-cdi-'))
  const options: CdiOptions = {
    directories: [join(base, 'static'), join(base, 'missing'), join(base, 'dynamic')],
    autoAllowed: ['vendor3.com/net'],
    parseYaml: text => JSON.parse(text.replace('# yaml\n', '')) as unknown,
  }

  before(() => {
    const write = (place: string, name: string, value: unknown): void => {
      mkdirSync(join(base, place), { recursive: true })
      const text = typeof value === 'string' ? value : JSON.stringify(value)
      writeFileSync(join(base, place, name), text)
    }
    const env = (value: string) => ({ containerEdits: { env: [value] } })
    write('static', 'one.json', {
      cdiVersion: '0.6.0',
      kind: 'vendor1.com/device',
      annotations: { 'org.mobyproject.buildkit.device.autoallow': true },
      containerEdits: { env: ['ALL=1'] },
      devices: [
        { name: 'foo', ...env('FOO=injected') },
        {
          name: 'bar',
          ...env('BAR=injected'),
          annotations: { 'org.mobyproject.buildkit.device.class': 'gpu' },
        },
      ],
    })
    write(
      'dynamic',
      'two.yaml',
      `# yaml\n${JSON.stringify({
        kind: 'vendor3.com/net',
        devices: [{ name: 0, ...env('NET=0') }],
      })}`,
    )
    write('dynamic', 'again.json', {
      kind: 'vendor1.com/device',
      devices: [{ name: 'bar', ...env('BAR=later') }],
    })
    write('dynamic', 'broken.json', '{')
    write('dynamic', 'wrong.json', { kind: 'nonsense', devices: [] })
  })
  after(() => rmSync(base, { recursive: true, force: true }))

  test('are listed with their annotations and whether they need an entitlement', async () => {
    const registry = await loadCdi(options)
    assert.deepEqual(
      registry.list().map(({ name, autoAllow }) => [name, autoAllow]),
      [
        ['vendor1.com/device=bar', false],
        ['vendor1.com/device=foo', true],
        ['vendor3.com/net=0', true],
      ],
    )
  })

  test('are found by name, kind, wildcard and class', async () => {
    const directories = [join(base, 'static')]
    const registry = await loadCdi({ ...options, directories })
    const find = (name: string, optional = false): readonly string[] => registry.find([{ name, optional }])
    assert.deepEqual(find('vendor1.com/device=foo'), ['vendor1.com/device=foo'])
    assert.deepEqual(find('vendor1.com/device'), ['vendor1.com/device=bar'])
    assert.deepEqual(find('vendor1.com/device=*').length, 2)
    assert.deepEqual(find('gpu'), ['vendor1.com/device=bar'])
    assert.deepEqual(find('vendor9.com/x=y', true), [])
    assert.throws(() => find('vendor9.com/x=y'), {
      code: 'not-found',
      message: 'required device "vendor9.com/x=y" is not registered',
    })
  })

  test('change environment, mounts, hooks and groups; the edits of a file are made once', () => {
    const spec = emptySpec()
    const file = readCdiSpec({
      kind: 'v.com/c',
      containerEdits: { env: ['ALL=1'], additionalGids: [7, 0] },
      devices: [
        {
          name: 'a',
          containerEdits: {
            env: ['FOO=new'],
            mounts: [{ hostPath: '/h', containerPath: '/lib/x', options: ['ro', 'bind'] }],
            hooks: [{ hookName: 'createContainer', path: '/bin/hook', args: ['hook', 'x'] }],
            deviceNodes: [{ path: '/dev/fake', type: 'c', major: 240, minor: 1, permissions: 'rw' }],
            netDevices: [{ hostInterfaceName: 'eth9', name: 'net1' }],
            intelRdt: { closID: 'x' },
          },
        },
        { name: 'b', containerEdits: { deviceNodes: [{ path: '/dev/nothing', hostPath: '/dev/null' }] } },
      ],
    })
    const get = (name: string) => {
      const device = file.devices.find(d => `v.com/c=${d.name}` === name)
      return device && { spec: file, device }
    }
    const registry = { list: () => [], find: () => [], get }
    injectDevices(spec, registry, ['v.com/c=a', 'v.com/c=b'])
    assert.deepEqual(spec.process.env, ['PATH=/bin', 'FOO=new', 'ALL=1'])
    assert.deepEqual(spec.mounts, [{ destination: '/lib/x', source: '/h', options: ['ro', 'bind'] }])
    assert.deepEqual(spec.hooks, { createContainer: [{ path: '/bin/hook', args: ['hook', 'x'] }] })
    assert.deepEqual(spec.process.user.additionalGids, [0, 7])
    assert.deepEqual(
      spec.linux.devices?.map(({ path, type, major, minor }) => [path, type, major, minor]),
      [
        ['/dev/fake', 'c', 240, 1],
        ['/dev/nothing', 'c', 1, 3],
      ],
    )
    assert.deepEqual(spec.linux.resources?.devices?.[0], {
      allow: true,
      type: 'c',
      major: 240,
      minor: 1,
      access: 'rw',
    })
    assert.deepEqual(spec.linux.netDevices, { eth9: { name: 'net1' } })
    assert.throws(() => injectDevices(spec, registry, ['v.com/c=z']), { code: 'not-found' })
  })

  test('a device that the host lacks is an error', () => {
    const edits = { deviceNodes: [{ path: '/dev/does-not-exist' }] }
    const file = readCdiSpec({ kind: 'v.com/c', devices: [{ name: 'a', containerEdits: edits }] })
    const device = file.devices[0]
    assert.ok(device)
    const registry = { list: () => [], find: () => [], get: () => ({ spec: file, device }) }
    assert.throws(() => injectDevices(emptySpec(), registry, ['v.com/c=a']), {
      code: 'failed-precondition',
      message: /failed to stat CDI host device "\/dev\/does-not-exist"/,
    })
  })
})
