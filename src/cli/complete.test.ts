import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { callCli } from './testing/call-cli.ts'

describe('completion', () => {
  let dir: string
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'slipway-complete-'))
  })
  after(() => rm(dir, { recursive: true, force: true }))

  const complete = async (...words: string[]): Promise<string> => {
    const env = { BUILDX_CONFIG: dir, DOCKER_CONFIG: dir, DOCKER_HOST: 'unix:///nowhere', SLIPWAY_ROOT: dir }
    const { code, stdout } = await callCli(['__complete', ...words], { cwd: dir, env })
    assert.equal(code, 0)
    return stdout
  }

  it('knows commands, those below them, and flags, with what they are', async () => {
    assert.equal(await complete('bu'), 'build\tStart a build\n:4\n')
    assert.match(await complete('imagetools', ''), /^create\t.*\ninspect\t.*\n:4\n$/)
    assert.match(await complete('build', '--platf'), /^--platform\t\S.*\n:4\n$/)
  })

  it('knows builders, and leaves files and folders to the shell', async () => {
    await callCli(['create', '--name=far', '--driver=remote', 'tcp://far:1'], {
      cwd: dir,
      env: { BUILDX_CONFIG: dir, DOCKER_CONFIG: dir, DOCKER_HOST: 'unix:///nowhere', SLIPWAY_ROOT: dir },
    })
    assert.equal(await complete('rm', 'f'), 'far\n:4\n')
    assert.equal(await complete('build', '--builder', 'f'), 'far\n:4\n')
    assert.equal(await complete('build', ''), ':16\n')
    assert.equal(await complete('build', '--file', ''), ':0\n')
  })

  it('is asked by docker with the name of the plugin, as help is', async () => {
    const env = { DOCKER_CLI_PLUGIN_ORIGINAL_CLI_COMMAND: '/usr/bin/docker', DOCKER_CONFIG: dir }
    const call = (...args: string[]): ReturnType<typeof callCli> => callCli(args, { cwd: dir, env })
    assert.equal((await call('__completeNoDesc', 'buildx', 'imaget')).stdout, 'imagetools\n:4\n')
    const help = await call('help', 'buildx', 'history', 'ls')
    assert.equal(help.code, 0)
    assert.match(help.stdout, /^Usage: {2}docker buildx history ls/)
  })
})
