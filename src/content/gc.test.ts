import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { digestOf } from '../oci/digest.ts'
import { mediaType } from '../oci/media-type.ts'
import { MemoryStore } from './memory-store.ts'
import { prune } from './prune.ts'
import { defaultLimits, defaultRules, keepBytes, type PruneRule } from './prune-rule.ts'
import { reachableBlobs } from './reachable.ts'
import { parseRecordFilter } from './record-filter.ts'
import type { UsageRecord, UsageSource } from './usage-record.ts'

const GB = 1e9
const day = 24 * 3_600_000
const now = 1000 * day

const record = (id: string, facts: Partial<UsageRecord> = {}): UsageRecord => ({
  id,
  type: 'regular',
  description: '',
  inUse: false,
  mutable: false,
  shared: false,
  size: GB,
  parents: [],
  createdMs: 0,
  lastUsedMs: now,
  usageCount: 1,
  ...facts,
})

async function removed(
  records: readonly UsageRecord[],
  rules: readonly PruneRule[],
  options: { free?: number; busy?: string[] } = {},
): Promise<string[]> {
  const source: UsageSource = {
    records: async () => records,
    remove: async id => !(options.busy ?? []).includes(id),
  }
  const disk = { total: 1000 * GB, free: options.free ?? 500 * GB }
  const gone = await Array.fromAsync(prune(source, rules, { disk, now }))
  return gone.map(({ id }) => id)
}

describe('prune', () => {
  it('removes what matches and nobody needs, chains from their ends', async () => {
    const records = [
      record('base'),
      record('child', { parents: ['base'] }),
      record('used', { inUse: true }),
      record('under', {}),
      record('over', { parents: ['under'], inUse: true }),
    ]
    assert.deepEqual(await removed(records, [{}]), ['child', 'base'])
  })

  it('spares internal, frontend and shared records unless told to take all', async () => {
    const records = [
      record('i', { type: 'internal' }),
      record('f', { type: 'frontend' }),
      record('s', { shared: true }),
      record('r'),
    ]
    assert.deepEqual(await removed(records, [{}]), ['r'])
    assert.deepEqual(await removed(records, [{ all: true }]), ['i', 'f', 's', 'r'])
  })

  it('keeps what was used lately, and what does not match', async () => {
    const records = [
      record('new', { lastUsedMs: now - day }),
      record('old', { lastUsedMs: now - 3 * day }),
      record('mount', { type: 'exec.cachemount', lastUsedMs: 1 }),
    ]
    assert.deepEqual(await removed(records, [{ keepDurationMs: 2 * day }]), ['old', 'mount'])
    assert.deepEqual(await removed(records, [{ filters: ['type==exec.cachemount'] }]), ['mount'])
  })

  it('removes the least valuable first, and stops below the limit', async () => {
    const records = [
      record('a', { lastUsedMs: 3, usageCount: 1 }),
      record('b', { lastUsedMs: 1, usageCount: 1 }),
      record('c', { lastUsedMs: 2, usageCount: 9 }),
      record('d', { lastUsedMs: 2, usageCount: 1 }),
    ]
    assert.deepEqual(await removed(records, [{ maxUsedSpace: 2.5 * GB }]), ['b', 'd'])
    assert.deepEqual(await removed(records, [{ maxUsedSpace: 10 * GB }]), [])
    assert.deepEqual(await removed(records, [{ maxUsedSpace: 1, reservedSpace: 3.5 * GB }]), ['b'])
    assert.deepEqual(await removed(records, [{ maxUsedSpace: 2.5 * GB }], { busy: ['b'] }), ['d', 'a'])
  })

  it('frees disk space down to what is reserved', async () => {
    const records = ['a', 'b', 'c', 'd'].map((id, i) => record(id, { lastUsedMs: i + 1 }))
    assert.deepEqual(await removed(records, [{ minFreeSpace: 12 * GB }], { free: 10.5 * GB }), ['a', 'b'])
    assert.deepEqual(
      await removed(records, [{ minFreeSpace: 12 * GB }], { free: 13 * GB }).then(ids => ids.length < 2),
      true,
    )
  })

  it('says which filter is wrong', async () => {
    await assert.rejects(removed([record('a')], [{ filters: ['type=='] }]), {
      code: 'unknown',
      message: /^filters: parse error/,
    })
  })
})

describe('record filters', () => {
  const some = record('abc', {
    type: 'source.local',
    description: 'local source, for context',
    parents: ['p', 'q'],
    mutable: true,
  })
  it('match by equality, pattern and presence', () => {
    const cases: readonly (readonly [string, boolean])[] = [
      ['', true],
      ['id==abc', true],
      ['id!=abc', false],
      ['id~=^ab', true],
      ['id~=^b', false],
      ['mutable', true],
      ['immutable', false],
      ['shared', false],
      ['private', true],
      ['inuse', false],
      ['parents==p;q', true],
      ['type==source.local,mutable', true],
      ['type==source.local,shared', false],
      ['description=="local source, for context"', true],
      ['nonsense', false],
      ['nonsense!=x', true],
    ]
    for (const [expression, expected] of cases)
      assert.equal(parseRecordFilter([expression])(some), expected, expression)
    assert.equal(parseRecordFilter(['id==x', 'id==abc'])(some), true)
    assert.equal(parseRecordFilter(['id~=('])(some), false)
    assert.equal(parseRecordFilter(['id~=/^a.c$/'])(some), true)
  })
  it('are told to be wrong in containerd’s words', () => {
    const cases: readonly (readonly [string, string])[] = [
      ['=x', '[ >|=|< x]: expected field or quoted'],
      ['id=x', '[id >|=|< x]: unsupported operator "="'],
      ['type===source.local', '[type >|=|< ==source.local]: unsupported operator "==="'],
      ['id==a,', '[id==a,]: expected field or quoted'],
      ['id~=.', '[id~= >|.|< ]: expected value or quoted'],
      ['id==" x', '[id== >|"|<  x]: quoted literal not terminated'],
      ['id==/x/', '[id== >|/|< x/]: invalid quote encountered'],
      ['id x', '[id  >|x|< ]: expected an operator ("=="|"!="|"~=")'],
    ]
    for (const [expression, words] of cases) {
      const message = `filters: parse error: ${words}: invalid argument`
      assert.throws(() => parseRecordFilter([expression]), { code: 'unknown', message }, expression)
    }
  })
})

describe('default limits', () => {
  it('are those of BuildKit', () => {
    assert.deepEqual(defaultLimits({ total: 50 * 2 ** 30, free: 0 }), {
      reservedSpace: 6 * GB,
      maxUsedSpace: 41 * GB,
      minFreeSpace: 11 * GB,
    })
    assert.deepEqual(defaultLimits({ total: 2 ** 41, free: 0 }), {
      reservedSpace: 10 * GB,
      maxUsedSpace: 100 * GB,
      minFreeSpace: 410 * GB,
    })
    assert.equal(defaultRules(defaultLimits({ total: 2 ** 41, free: 0 })).length, 4)
  })

  it('bound what is kept', () => {
    const disk = { total: 100, free: 10 }
    assert.equal(keepBytes({}, 50, disk), undefined)
    assert.equal(keepBytes({ maxUsedSpace: 30 }, 50, disk), 30)
    assert.equal(keepBytes({ minFreeSpace: 20 }, 50, disk), 40)
    assert.equal(keepBytes({ minFreeSpace: 5 }, 50, disk), 50)
    assert.equal(keepBytes({ maxUsedSpace: 30, minFreeSpace: 40, reservedSpace: 25 }, 50, disk), 25)
  })
})

describe('reachableBlobs', () => {
  it('follows indexes and manifests, and takes missing ones for what they are', async () => {
    const store = new MemoryStore()
    const put = async (value: unknown): Promise<ReturnType<typeof digestOf>> =>
      (await store.put(Buffer.from(JSON.stringify(value)))).digest
    const [config, layer, missing] = [digestOf('config'), digestOf('layer'), digestOf('missing')]
    const manifest = await put({
      config: { digest: config },
      layers: [{ digest: layer }, { digest: 'sha256:bad' }],
      subject: { digest: missing, mediaType: mediaType.ociManifest },
    })
    const index = await put({
      manifests: [
        { digest: manifest, mediaType: mediaType.ociManifest },
        { digest: missing, mediaType: mediaType.dockerManifest },
      ],
    })
    const seen = await reachableBlobs(store, [{ digest: index, mediaType: mediaType.ociIndex }])
    assert.deepEqual([...seen].sort(), [index, manifest, config, layer, missing].sort())
    assert.deepEqual([...(await reachableBlobs(store, [{ digest: manifest }]))], [manifest])
  })
})
