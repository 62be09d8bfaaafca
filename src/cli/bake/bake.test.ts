import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { readCalls, type RecordedCall } from '../../../test/golden/bake/bake-call.ts'
import { callCli, type CliOutcome } from '../testing/call-cli.ts'

const corpus = join(import.meta.dirname, '../../../test/golden/bake')
const scratch = mkdtempSync(join(tmpdir(), 'slipway-bake-'))
after(() => rmSync(scratch, { recursive: true }))

async function bake(
  args: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>> = {},
  stdin = '',
): Promise<CliOutcome> {
  const own = {
    HOME: '/home/bake',
    BUILDX_CONFIG: join(scratch, 'config'),
    SLIPWAY_ROOT: join(scratch, 'root'),
    ...env,
  }
  return await callCli(['bake', ...args], { cwd, env: own, stdin })
}

/** Calls that print, in whose answers nothing is random or of the present moment. */
function printingCalls(name: string): RecordedCall[] {
  return readCalls(join(corpus, name)).filter(({ args }) =>
    args.some(a => a === '--print' || a.startsWith('--list')),
  )
}

describe('bake --print and --list', () => {
  for (const name of [
    'default-files',
    'no-files',
    'flags',
    'list',
    'overrides',
    'matrix',
    'groups-targets',
    'variables',
  ]) {
    it(`answers the recorded calls of ${name} as the real tool did`, async () => {
      for (const { args, env, stdin, expected, ours } of printingCalls(name)) {
        const { exit, stdout, error } = ours ?? expected
        const found = await bake(args, join(corpus, name), env, stdin)
        const at = found.stderr.lastIndexOf('ERROR: ')
        const said =
          at < 0 ? undefined : found.stderr.slice(at + 'ERROR: '.length).replace(/\n(hint: .*\n)?$/, '')
        const what = `bake ${args.join(' ')}`
        assert.deepEqual({ exit: found.code, stdout: found.stdout }, { exit, stdout }, what)
        if (exit !== 0) assert.equal(said, error, what)
      }
    })
  }

  it('shows which files it reads, and says nothing where it is to be quiet', async () => {
    const folder = mkdtempSync(join(scratch, 'quiet-'))
    writeFileSync(join(folder, 'docker-bake.hcl'), 'target "default" {}\n')
    const told = await bake(['--print'], folder)
    assert.match(
      told.stderr,
      /^#1 \[internal\] load local bake definitions\n#1 reading docker-bake\.hcl 20B \/ 20B /,
    )
    const listed = await bake(['--print'], folder, { BUILDX_BAKE_FILE: 'docker-bake.hcl' })
    assert.match(listed.stderr, /load local bake definitions from BUILDX_BAKE_FILE env\n/)
    assert.equal((await bake(['--print', '--progress', 'none'], folder)).stderr, '')
  })

  it('refuses what does not go together', async () => {
    const both = await bake(['--print', '--list', 'targets'], scratch)
    assert.equal(both.stderr, 'ERROR: --print and --list are mutually exclusive\n')
  })
})
