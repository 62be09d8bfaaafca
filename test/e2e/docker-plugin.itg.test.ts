import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { after, before, describe, it } from 'node:test'
import { peerPath } from '../../scripts/setup/peers.ts'
import { findProgram } from '../../scripts/setup/programs.ts'
import { run, type RunResult, tryRun } from '../../scripts/setup/run.ts'
import { lacks } from '../support/need.ts'
import { makeScratch, type Scratch } from '../support/scratch.ts'

// As the plugin `buildx` of the real docker command line.

const main = join(import.meta.dirname, '..', '..', 'src', 'cli', 'main.ts')
const needs = { root: true, peers: ['docker'], programs: ['runc', 'busybox'] } as const

describe('the plugin of docker', { skip: lacks(needs) }, () => {
  const stack = new AsyncDisposableStack()
  let scratch: Scratch
  let env: NodeJS.ProcessEnv
  const docker = (...args: string[]): Promise<RunResult> =>
    tryRun([peerPath('docker') ?? '', ...args], { env, cwd: scratch.path('context') })

  before(async () => {
    scratch = stack.use(await makeScratch())
    await mkdir(scratch.path('config', 'cli-plugins'), { recursive: true })
    const start = `exec ${process.execPath} --disable-warning=ExperimentalWarning ${main} "$@"`
    await writeFile(
      scratch.path('config', 'cli-plugins', 'docker-buildx'),
      `#!/bin/sh\nexport SLIPWAY_ARGV0=docker-buildx\n${start}\n`,
      { mode: 0o755 },
    )
    const { DOCKER_HOST: _, BUILDX_BUILDER: __, ...inherited } = process.env
    env = {
      ...inherited,
      DOCKER_CONFIG: scratch.path('config'),
      DOCKER_HOST: `unix://${scratch.path('none.sock')}`,
      SLIPWAY_ROOT: scratch.path('state'),
    }
    await mkdir(scratch.path('context'))
    await run(['cp', findProgram('busybox') ?? '', scratch.path('context', 'busybox')])
    await writeFile(
      scratch.path('context', 'Dockerfile'),
      'FROM scratch AS base\nCOPY busybox /busybox\nFROM scratch AS word\nCOPY Dockerfile /word\nFROM base\nRUN ["/busybox","sleep","2345"]\n',
    )
  })
  after(() => stack.disposeAsync())

  it('is known to docker, with its help', async () => {
    const format = '{{range .ClientInfo.Plugins}}{{.Name}} {{.Vendor}} {{.ShortDescription}}{{end}}'
    assert.equal((await docker('info', '--format', format)).stdout.trim(), 'buildx Docker Inc. Docker Buildx')
    for (const words of [
      ['buildx', 'imagetools', '--help'],
      ['help', 'buildx', 'imagetools'],
    ]) {
      const { code, stdout } = await docker(...words)
      assert.equal(code, 0)
      assert.match(stdout, /^Usage: {2}docker buildx imagetools/)
    }
    assert.match((await docker('__complete', 'buildx', 'imaget')).stdout, /^imagetools\t.*\n:4$/m)
  })

  it("takes docker's own flags", async () => {
    assert.match((await docker('buildx', 'ls')).stdout, /^default\* +embedded/m)
    const other = await docker(
      '--config',
      scratch.path('elsewhere'),
      'info',
      '--format',
      '{{.ClientInfo.Plugins}}',
    )
    assert.doesNotMatch(other.stdout, /docker-buildx .*config\/cli-plugins/)
    const context = await docker('--context', 'nope', 'buildx', 'ls')
    assert.match(context.stderr, /context "nope"/)
    const wrong = await docker('buildx', 'build', '--nope', '.')
    assert.equal(wrong.code, 125)
    assert.match(wrong.stderr, /^unknown flag: --nope/)
    const twice = await docker('-H', 'unix:///a', '-H', 'unix:///b', 'buildx', 'ls')
    assert.notEqual(twice.code, 0)
    const debug = await docker('-D', 'buildx', 'inspect', 'nobody')
    assert.equal(debug.code, 1)
    assert.match(debug.stderr, /^ERROR: no builder "nobody" found/m)
  })

  it('builds, by its own name and by the names that docker has for it', async () => {
    for (const [i, words] of [
      ['buildx', 'build'],
      ['build'],
      ['builder', 'build'],
      ['image', 'build'],
    ].entries()) {
      const out = scratch.path(`out${i}`)
      const { code, stderr } = await docker(...words, '--target=word', '-o', `type=local,dest=${out}`, '.')
      assert.equal(code, 0, `${words.join(' ')}\n${stderr}`)
      assert.match(await readFile(join(out, 'word'), 'utf8'), /^FROM scratch/)
    }
    await docker('buildx', 'install')
    assert.match(await readFile(scratch.path('config', 'config.json'), 'utf8'), /"builder": *"buildx"/)
    assert.match((await docker('builder', 'ls')).stdout, /^default\*/m)
    await docker('buildx', 'uninstall')
    assert.doesNotMatch(await readFile(scratch.path('config', 'config.json'), 'utf8'), /buildx/)
  })

  it('ends its build when docker is interrupted', async () => {
    const child = spawn(peerPath('docker') ?? '', ['buildx', 'build', '--progress=plain', '.'], {
      env,
      cwd: scratch.path('context'),
      stdio: ['ignore', 'ignore', 'pipe'],
      detached: true, // a process group of its own: docker alone gets the signal, and tells the plugin
    })
    let output = ''
    child.stderr?.on('data', (chunk: Buffer) => {
      output += chunk.toString()
    })
    const ended = new Promise<number | null>(resolve => child.once('exit', resolve))
    const sleeps = async (): Promise<boolean> =>
      (await tryRun(['pgrep', '-f', '^/busybox sleep 2345'])).code === 0
    for (let i = 0; i < 300 && !(await sleeps()); i++) await sleep(100)
    assert.ok(await sleeps(), output)
    child.kill('SIGINT')
    const code = await ended
    assert.equal(code, 130)
    for (let i = 0; i < 100 && (await sleeps()); i++) await sleep(100)
    assert.equal(await sleeps(), false)
    assert.match(output, /^#\d+ CANCELED$/m)
    assert.match(output, /^ERROR: failed to build: failed to solve: Canceled: context canceled$/m)
  })
})
