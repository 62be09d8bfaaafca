import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
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

  it('has a script for every shell, which asks this program by its name', async () => {
    const call = async (...args: string[]): Promise<string> =>
      (await callCli(args, { cwd: dir, env: { DOCKER_CONFIG: dir }, program: 'my-tool' })).stdout
    for (const shell of ['bash', 'zsh', 'fish', 'powershell'])
      assert.match(await call('completion', shell, '--no-descriptions'), /my-tool.* __complete/)
    const answer =
      '#!/bin/sh\n[ "$*" = "__completeNoDesc history in" ] && printf "inspect\\ninfo\\nother\\n:4\\n"\n'
    await writeFile(join(dir, 'my-tool'), answer, { mode: 0o755 })
    const script = `${await call('completion', 'bash')}
      COMP_WORDS=(my-tool history in) COMP_CWORD=2; _my_tool_complete my-tool in history; echo "\${COMPREPLY[*]}"`
    const env = { PATH: `${dir}:${process.env['PATH']}` }
    assert.equal(execFileSync('bash', ['--norc', '-c', script], { env, encoding: 'utf8' }), 'inspect info\n')
  })
})
