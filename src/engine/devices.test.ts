import { create } from '@bufbuild/protobuf'
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { ExecOpSchema, OpSchema } from '../proto/gen/ops_pb.ts'
import { allowDevices, deviceSettings } from './devices.ts'
import { checkEntitlements, grantedEntitlements } from './entitlements.ts'

describe('devices that builds ask for', () => {
  const directory = mkdtempSync(join(tmpdir(), 'slipway-devices-'))
  const { enabled, load } = deviceSettings({
    cdi: { specDirs: [directory], autoAllowed: ['vendor2.com/device'] },
  })

  before(() => {
    const devices = (...names: string[]) => names.map(name => ({ name, containerEdits: { env: ['A=1'] } }))
    const yaml = ['kind: vendor1.com/device', 'devices:', '- name: foo', '  annotations:']
    yaml.push('    org.mobyproject.buildkit.device.class: gpu', '- name: bar', '')
    writeFileSync(join(directory, 'one.yaml'), yaml.join('\n'))
    writeFileSync(
      join(directory, 'two.json'),
      JSON.stringify({ kind: 'vendor2.com/device', devices: devices('a') }),
    )
  })

  after(() => rmSync(directory, { recursive: true }))

  async function allowed(asked: readonly string[], ...entitlements: string[]): Promise<string[]> {
    const cdiDevices = asked.map(text => {
      const [name = '', optional] = text.split('?')
      return { name, optional: optional !== undefined }
    })
    const exec = create(ExecOpSchema, { cdiDevices })
    allowDevices(exec, grantedEntitlements(entitlements, undefined).devices, await load())
    return exec.cdiDevices.map(({ name }) => name)
  }

  test('devices that their files or the configuration allow need no entitlement', async () => {
    assert.equal(enabled, true)
    assert.deepEqual(await allowed(['vendor2.com/device=a']), ['vendor2.com/device=a'])
  })

  test('other devices are refused by name', async () => {
    await assert.rejects(allowed(['vendor1.com/device=foo']), {
      message: 'device vendor1.com/device=foo is requested by the build but not allowed',
    })
    await assert.rejects(allowed(['vendor1.com/device=*']), {
      message:
        'devices vendor1.com/device=bar, vendor1.com/device=foo are requested by the build but not allowed',
    })
  })

  test('an entitlement names a kind, a class, a device, or all', async () => {
    const foo = ['vendor1.com/device=foo']
    assert.deepEqual(await allowed(['gpu'], 'device=vendor1.com/device=*'), foo)
    assert.deepEqual(await allowed(foo, 'device=gpu'), foo)
    assert.deepEqual(await allowed(['vendor1.com/device'], 'device=vendor1.com/device'), [
      'vendor1.com/device=bar',
    ])
    assert.deepEqual(await allowed(['anything'], 'device'), ['anything'])
  })

  test('an alias stands for the device behind it', async () => {
    assert.deepEqual(await allowed(['gpu1'], 'device=vendor1.com/device=foo,alias=gpu1'), [
      'vendor1.com/device=foo',
    ])
  })

  test('optional devices may be missing', async () => {
    assert.deepEqual(await allowed(['vendor3.com/device=x?']), [])
    await assert.rejects(allowed(['vendor3.com/device=x']), {
      message: 'required device "vendor3.com/device=x" is not registered',
    })
  })

  test('a daemon without CDI has no devices', async () => {
    const off = deviceSettings({ cdi: { disabled: true, specDirs: [directory] } })
    assert.equal(off.enabled, false)
    assert.deepEqual((await off.load()).list(), [])
  })

  test('steps with privileges that nobody knows are refused', () => {
    const op = create(OpSchema, {
      op: { case: 'exec', value: create(ExecOpSchema, { security: 2 as never }) },
    })
    assert.throws(() => checkEntitlements(op, grantedEntitlements([], undefined)), {
      message: 'invalid security mode 2',
    })
  })

  test('entitlements that mean nothing are refused', () => {
    const grant = (text: string) => () => grantedEntitlements([text], undefined)
    assert.throws(grant('device=a,b'), { message: 'invalid device config "b"' })
    assert.throws(grant('device=a,b=c'), { message: 'unknown device config key "b"' })
    assert.throws(grant('network.host=x'), { message: 'unknown entitlement network.host=x' })
    assert.throws(() => grantedEntitlements(['device=a'], ['network.host']), {
      message: 'granting entitlement device is not allowed by build daemon configuration',
    })
  })
})
