import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ExportSource } from './export-source.ts'
import { withGivenConfigs } from './given-configs.ts'

const sourceOf = (metadata: Record<string, string>): ExportSource => ({
  results: ['linux/amd64', 'linux/arm64'].map(id => ({
    id,
    platform: { os: 'linux', architecture: id.slice(6) },
    ref: undefined,
    attestations: [],
  })),
  multiPlatform: true,
  metadata: new Map(Object.entries(metadata).map(([key, text]) => [key, Buffer.from(text)])),
})

const configs = (source: ExportSource): (string | undefined)[] =>
  source.results.map(({ config }) => (config === undefined ? undefined : Buffer.from(config).toString()))

test('configurations among the options of the output count before those of the build', () => {
  const source = sourceOf({ 'containerimage.config': 'build', 'containerimage.config/linux/arm64': 'arm' })
  assert.deepEqual(configs(withGivenConfigs(source, { 'containerimage.config': 'output' })), [
    'output',
    'arm',
  ])
  const platform = { 'containerimage.config/linux/arm64': 'mine' }
  assert.deepEqual(configs(withGivenConfigs(source, platform)), ['build', 'mine'])
})

test('base configurations too, and without any the source stays as it is', () => {
  const source = sourceOf({})
  const { results } = withGivenConfigs(source, { 'containerimage.base.config': 'base' })
  assert.deepEqual(results[1]?.baseConfig, Buffer.from('base'))
  assert.equal('config' in (results[1] ?? {}), false)
  assert.equal(withGivenConfigs(source, { name: 'x' }), source)
})
