import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { parsePlatform } from '../oci/platform.ts'
import { setBuilderAlias } from './builder-alias.ts'
import { cacheFilter, filterType, withConfiguredFilters } from './cache-filters.ts'
import { recordSummary } from './cache-records.ts'
import { formatRows } from './format-rows.ts'
import { platformTexts, shortPlatforms } from './platform-groups.ts'

const dir = mkdtempSync(join(tmpdir(), 'slipway-lists-'))
after(() => rmSync(dir, { recursive: true }))
const platforms = (text: string): ReturnType<typeof parsePlatform>[] =>
  text.split(' ').map(one => parsePlatform(one, { architecture: 'amd64', os: 'linux' }))

describe('platforms of a node', () => {
  it('are told once, the fixed ones marked, and shortened by groups', () => {
    const found =
      'linux/amd64 linux/amd64/v2 linux/arm64 linux/arm/v7 linux/arm/v6 linux/ppc64le linux/s390x linux/386'
    const texts = platformTexts(platforms('linux/amd64'), platforms(found))
    assert.equal(texts.join(' '), found.replace('amd64', 'amd64*'))
    assert.equal(
      shortPlatforms(texts, 4),
      'linux/amd64* (+2), linux/arm64, linux/arm (+2), linux/ppc64le, (2 more)',
    )
    assert.equal(shortPlatforms(['linux/amd64', 'linux/386'], 4), 'linux/amd64, linux/386')
    assert.equal(shortPlatforms([], 4), '')
  })
})

describe('lists', () => {
  const rows = [{ fields: { Name: 'a', Size: '1' }, json: { Size: '1', Name: 'a' } }]
  const headers = { Name: 'NAME', Size: 'SIZE' }

  it('are tables, JSON or whatever a template makes of them', () => {
    assert.equal(
      formatRows(rows, { format: 'table {{.Name}}\\t{{.Size}}', headers }),
      'NAME      SIZE\na         1\n',
    )
    assert.equal(formatRows(rows, { format: 'json', headers }), '{"Size":"1","Name":"a"}\n')
    assert.equal(formatRows(rows, { format: '{{upper .Name}}', headers }), 'A\n')
    assert.throws(() => formatRows(rows, { format: '{{.Nope}}', headers }), {
      message: /^template parsing error: template: /,
    })
    assert.throws(() => formatRows(rows, { format: '{{', headers }), {
      message: /^template parsing error: template: /,
    })
  })
})

describe('filters of cache', () => {
  const filters = (...texts: string[]): ReturnType<typeof cacheFilter> =>
    cacheFilter(texts.reduce((all, text) => filterType.parse(text, all, true), filterType.zero))

  it('become those of the daemon', () => {
    assert.deepEqual(filters(), { keepDuration: 0n, filter: [''] })
    assert.deepEqual(filters('until=24h', 'type=regular', 'id=abc', 'shared!=true', 'description~=x'), {
      keepDuration: 86_400_000_000_000n,
      filter: ['type==regular,id~=abc,shared!=true,description~=x'],
    })
    assert.throws(() => filters('type=a', 'type=b'), { message: '"type" filter expects only one value' })
    const both = withConfiguredFilters(filterType.parse('label=a', filterType.zero, true), [
      'label!=a',
      'label=b',
      'until=24h',
      'broken',
    ])
    assert.deepEqual(
      [...both],
      [
        ['label', ['a', 'b']],
        ['until', ['24h']],
      ],
    )
    assert.throws(() => filters('until=1h', 'unused-for=1h'), {
      message: 'conflicting filters "until" and "unused-for"',
    })
  })
})

describe('sums of cache', () => {
  it('are aligned with tabs, and tell shared from private where something is shared', () => {
    const record = {
      id: 'x',
      mutable: false,
      inUse: false,
      size: 2000,
      parents: [],
      createdAt: 0,
      lastUsedAt: undefined,
      usageCount: 0,
      description: '',
      type: '',
      shared: false,
    }
    assert.equal(recordSummary([record]), 'Reclaimable:\t2kB\nTotal:\t\t2kB\n')
    assert.equal(
      recordSummary([record, { ...record, shared: true, inUse: true }]),
      'Shared:\t\t2kB\nPrivate:\t2kB\nReclaimable:\t2kB\nTotal:\t\t4kB\n',
    )
  })
})

describe('the alias of the builder', () => {
  it('comes and goes without touching anything else', () => {
    const path = join(dir, 'config.json')
    setBuilderAlias(dir, undefined)
    assert.throws(() => readFileSync(path), { code: 'ENOENT' })
    writeFileSync(path, '{"auths":{"x":{}},"aliases":{"b":"c"}}')
    setBuilderAlias(dir, 'buildx')
    assert.deepEqual(JSON.parse(readFileSync(path, 'utf8')), {
      auths: { x: {} },
      aliases: { b: 'c', builder: 'buildx' },
    })
    setBuilderAlias(dir, undefined)
    assert.deepEqual(JSON.parse(readFileSync(path, 'utf8')), { auths: { x: {} }, aliases: { b: 'c' } })
    writeFileSync(path, '{')
    assert.throws(() => setBuilderAlias(dir, 'buildx'), { code: 'invalid-argument' })
    assert.equal(readFileSync(path, 'utf8'), '{')
  })
})
