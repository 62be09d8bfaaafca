import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parse } from 'smol-toml'
import type { PruneRule } from '../content/prune-rule.ts'
import { registryConcurrency, type WorkerSettings, workerSettings } from './worker-settings.ts'

const disk = { total: 1000 * 2 ** 30, free: 500 * 2 ** 30 }
const read = (toml: string): WorkerSettings =>
  workerSettings(parse(toml), { os: 'linux', architecture: 'amd64' })
const rules = (toml: string): readonly PruneRule[] => read(toml).gc(disk)

describe('settings of the worker', () => {
  it('are none without a configuration', () => {
    const { labels, platforms, maxParallelism, nativeSnapshots, ownGc } = read('')
    assert.deepEqual(labels, {})
    assert.equal(platforms, undefined)
    assert.equal(maxParallelism, undefined)
    assert.equal(nativeSnapshots, false)
    assert.equal(ownGc, false)
  })

  it('name labels, platforms, the number of steps at a time, copies and where containers go', () => {
    const worker = read(`[worker.oci]
      platforms = ["linux/arm64", "linux/arm/v7"]
      max-parallelism = 3
      snapshotter = "native"
      binary = "/opt/crun"
      defaultCgroupParent = "/builds"
      apparmor-profile = "builds"
      labels = { "com.example.rack" = "7" }`)
    assert.deepEqual(worker.labels, { 'com.example.rack': '7' })
    assert.deepEqual(worker.platforms, [
      { os: 'linux', architecture: 'arm64' },
      { os: 'linux', architecture: 'arm', variant: 'v7' },
    ])
    assert.equal(worker.maxParallelism, 3)
    assert.equal(worker.nativeSnapshots, true)
    assert.equal(worker.runtime, '/opt/crun')
    assert.equal(worker.cgroupParent, '/builds')
    assert.equal(worker.apparmorProfile, 'builds')
  })

  it('refuse platforms and snapshotters that do not exist', () => {
    assert.throws(() => read('[worker.oci]\nplatforms = ["a/b/c/d/e"]'), /^SlipwayError: invalid platforms: /)
    assert.throws(() => read('[worker.oci]\nsnapshotter = "x"'), /unknown snapshotter name: "x"/)
  })
})

describe('the number of transfers', () => {
  it('is what the configuration says, and not none', () => {
    assert.equal(registryConcurrency(parse('')), undefined)
    assert.equal(registryConcurrency(parse('[system]\nmaxRegistryConcurrency = 9')), 9)
    assert.throws(
      () => registryConcurrency(parse('[system]\nmaxRegistryConcurrency = 0')),
      /maxRegistryConcurrency must be greater than zero; set to 0 in the configuration file/,
    )
  })
})

describe('rules of garbage collection', () => {
  it('are those of BuildKit for a disk of that size', () => {
    const [first, second, third, last] = rules('')
    assert.deepEqual(first?.filters, [
      'type==source.local',
      'type==exec.cachemount',
      'type==source.git.checkout',
    ])
    assert.equal(first?.maxUsedSpace, 512e6)
    assert.equal(second?.keepDurationMs, 60 * 24 * 3_600_000)
    assert.deepEqual(third, { reservedSpace: 10e9, maxUsedSpace: 100e9, minFreeSpace: 201e9 })
    assert.equal(last?.all, true)
  })

  it('have the limits that are given, in binary units or as a share of the disk', () => {
    const [, , third] = rules('[worker.oci]\nreservedSpace = "1GB"\nmaxUsedSpace = "50%"')
    assert.deepEqual(third, { reservedSpace: 2 ** 30, maxUsedSpace: 501e9, minFreeSpace: 0 })
    assert.equal(rules('[worker.oci]\ngckeepstorage = "512MB"')[3]?.reservedSpace, 512 * 2 ** 20)
  })

  it('are written out by a policy, or none at all', () => {
    const policy = `[worker.oci]
      gc = true
      [[worker.oci.gcpolicy]]
      filters = ["type==source.local"]
      keepDuration = "2h"
      keepBytes = 1000
      [[worker.oci.gcpolicy]]
      all = true
      keepDuration = 30
      maxUsedSpace = "1MB"`
    const none = { maxUsedSpace: 0, minFreeSpace: 0, reservedSpace: 0 }
    assert.deepEqual(rules(policy), [
      {
        ...none,
        filters: ['type==source.local'],
        all: false,
        keepDurationMs: 7_200_000,
        reservedSpace: 1000,
      },
      { ...none, filters: [], all: true, keepDurationMs: 30_000, maxUsedSpace: 2 ** 20 },
    ])
    assert.deepEqual(rules('[worker.oci]\ngc = false\nmaxUsedSpace = "1GB"'), [])
  })

  it('are refused at once where they cannot be read', () => {
    assert.throws(() => read('[worker.oci]\nmaxUsedSpace = "much"'), /invalid disk space much/)
    assert.throws(() => read('[[worker.oci.gcpolicy]]\nkeepDuration = "long"'), /invalid duration long/)
  })
})
