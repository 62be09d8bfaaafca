import assert from 'node:assert/strict'
import { mkdtempSync, mkdirSync, rmSync, writeFileSync, existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { callCli } from './testing/call-cli.ts'

// What docker-buildx 0.36.1 answers to the same words, found by comparing random ones.

describe('flags of build that are refused', () => {
  let dir: string
  before(() => {
    dir = mkdtempSync(join(tmpdir(), 'slipway-words-'))
    writeFileSync(join(dir, 'Dockerfile'), 'FROM scratch\n')
  })
  after(() => rmSync(dir, { recursive: true }))

  const build = async (args: readonly string[]): Promise<string> => {
    const env = { SLIPWAY_ROOT: dir, DOCKER_CONFIG: dir, BUILDX_CONFIG: dir, BUILDX_BUILDER: 'slipway' }
    const { code, stderr } = await callCli(['build', ...args, '.'], { cwd: dir, env })
    assert.equal(code, 1)
    return stderr.replace(/^hint: .*\n/m, '')
  }

  const table: readonly (readonly [string, readonly string[], string])[] = [
    ['an empty label', ['--label', ''], 'invalid key-value pair "": empty key'],
    ['an empty build argument', ['--build-arg='], 'invalid key-value pair "": empty key'],
    [
      'policies that are off, and more about them',
      ['--policy', 'disabled=true,strict=true'],
      'failed to build: disabled policy cannot be combined with other policy flags',
    ],
    [
      'a file as the folder of a cache',
      ['--cache-to=type=local,dest=Dockerfile'],
      'failed to build: mkdir Dockerfile: not a directory',
    ],
    [
      'a display that needs a terminal',
      ['--progress=tty'],
      'failed to get console: provided file is not a console',
    ],
    [
      'the form of one flag before the sense of another',
      ['--annotation=a', '--label='],
      'invalid key-value pair "": empty key',
    ],
    [
      'a mode of progress before a platform',
      ['--platform=a b', '--progress=foo'],
      'invalid progress mode foo',
    ],
    [
      'limits before platforms',
      ['--platform=foo', '--memory-swap=x'],
      `failed to build: invalid value "x" for resource memory-swap: invalid size: 'x'`,
    ],
    ['a cache without a type before a method', ['--call=a,b', '--cache-from=='], 'type required for "="'],
  ]
  for (const [what, args, message] of table) {
    it(what, async () => assert.equal(await build(args), `ERROR: ${message}\n`))
  }

  it('leave no image ID of an earlier build behind', async () => {
    const file = join(dir, 'iid')
    writeFileSync(file, 'old')
    assert.match(await build(['--iidfile=iid', '--memory=x']), /invalid value "x" for resource memory/)
    assert.equal(existsSync(file), false)
  })

  it('say why an image ID cannot be written', async () => {
    mkdirSync(join(dir, 'full', 'x'), { recursive: true })
    const removing = 'ERROR: removing image ID file: remove'
    assert.equal(await build(['--iidfile=full']), `${removing} full: directory not empty\n`)
    assert.equal(await build(['--iidfile=Dockerfile/x']), `${removing} Dockerfile/x: not a directory\n`)
  })
})

it('a bundle of records that cannot be read is told by its name', async () => {
  const env = { DOCKER_CONFIG: tmpdir(), BUILDX_BUILDER: 'slipway' }
  const stderr = async (file: string): Promise<string> =>
    (await callCli(['history', 'import', '-f', file], { cwd: tmpdir(), env })).stderr
  assert.equal(
    await stderr('nosuch'),
    'ERROR: failed to open file nosuch: open nosuch: no such file or directory\n',
  )
  assert.equal(await stderr('.'), 'ERROR: read .: is a directory\n')
})
