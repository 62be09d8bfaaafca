import assert from 'node:assert/strict'
import { mkdir, readdir, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { it } from 'node:test'
import { run } from '../../scripts/setup/run.ts'
import { pluginMetadata } from '../../src/cli/plugin-metadata.ts'
import { lacks } from '../support/need.ts'
import { makeScratch } from '../support/scratch.ts'

const root = join(import.meta.dirname, '..', '..')
const needs = { programs: ['npm', 'tar'] }

it('npm pack gives a package whose programs run without the clone', { skip: lacks(needs) }, async () => {
  await using scratch = await makeScratch()
  const env = { ...process.env, SLIPWAY_NODE: process.execPath, SLIPWAY_ROOT: scratch.path('state') }
  await run(['npm', 'run', 'build'], { cwd: root, env }) // .npmrc keeps npm from running it by itself
  await run(['npm', 'pack', '--pack-destination', scratch.dir], { cwd: root, env })
  const [archive = ''] = (await readdir(scratch.dir)).filter(name => name.endsWith('.tgz'))
  await run(['tar', '-xzf', scratch.path(archive), '-C', scratch.dir])
  const bin = scratch.path('package', 'bin')

  assert.match(
    await run([join(bin, 'slipway'), 'version'], { env }),
    /^github\.com\/docker\/buildx v\S+ \S+\n$/,
  )
  const metadata: unknown = JSON.parse(
    await run([join(bin, 'docker-buildx'), 'docker-cli-plugin-metadata'], { env }),
  )
  assert.equal((metadata as { SchemaVersion?: string }).SchemaVersion, '0.1.0')

  assert.deepEqual(metadata, JSON.parse(pluginMetadata()))

  const plugins = scratch.path('cli-plugins')
  await mkdir(plugins)
  await symlink(join(bin, 'docker-buildx'), join(plugins, 'docker-buildx'))
  const byDocker = { ...env, DOCKER_CLI_PLUGIN_ORIGINAL_CLI_COMMAND: '/usr/bin/docker' }
  const version = await run([join(plugins, 'docker-buildx'), 'buildx', 'version'], { env: byDocker })
  assert.match(version, /^github\.com\/docker\/buildx /)
})
