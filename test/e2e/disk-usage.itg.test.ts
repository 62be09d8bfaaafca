import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import { after, before, describe, it } from 'node:test'
import { peerPath } from '../../scripts/setup/peers.ts'
import { findProgram } from '../../scripts/setup/programs.ts'
import { run } from '../../scripts/setup/run.ts'
import { lacksBuildkitd, startBuildkitd } from '../support/buildkitd.ts'
import { lacks } from '../support/need.ts'
import { makeScratch, type Scratch } from '../support/scratch.ts'
import { startServe } from '../support/serve.ts'

// What real docker-buildx shows of the disk usage of a daemon of ours, and of BuildKit after the same builds.

interface Row {
  readonly CreatedAt: string
  readonly Description: string
  readonly ID: string
  readonly LastUsedAt: string
  readonly Mutable: boolean
  readonly Parents: readonly string[] | null
  readonly Reclaimable: boolean
  readonly Shared: boolean
  readonly Size: string
  readonly Type: string
  readonly UsageCount: number
}

const dockerfile = `FROM scratch AS base
COPY busybox /bin/busybox
FROM base AS app
RUN --mount=type=cache,target=/c ["/bin/busybox","touch","/c/x","/y"]
FROM base AS last
COPY --from=app /y /z
`

/** What both are to show: description, type, whether it changes, and what it was made on. */
const expected = [
  ['[app 1/1] RUN', 'regular', false, '[base 1/1] COPY'],
  ['[base 1/1] COPY', 'regular', false, ''],
  ['[last 1/1] COPY', 'regular', false, '[base 1/1] COPY'],
  ['cached mount /c', 'exec.cachemount', true, ''],
  ['local source for context', 'source.local', true, ''],
  ['local source for context', 'source.local', true, ''],
  ['local source for dockerfile', 'source.local', true, ''],
]

describe('disk usage', {
  skip: lacks({ root: true, programs: ['runc', 'busybox'], peers: ['docker-buildx-new'] }),
}, () => {
  const stack = new AsyncDisposableStack()
  let scratch: Scratch

  before(async () => {
    scratch = stack.use(await makeScratch())
    await mkdir(scratch.path('context'))
    await run(['cp', findProgram('busybox') ?? '', scratch.path('context', 'busybox')])
    await writeFile(scratch.path('context', 'Dockerfile'), dockerfile)
  })
  after(() => stack.disposeAsync())

  it('of slipway serve is what scripts know', async () => {
    await using serve = await startServe({ dir: scratch.dir, name: 'ours' })
    await check('ours', serve.address)
  })

  it('of BuildKit is the same', { skip: lacksBuildkitd() }, async () => {
    await using buildkitd = await startBuildkitd({ dir: scratch.path('bk') })
    await check('real', buildkitd.address)
  })

  async function check(name: string, address: string): Promise<void> {
    const buildx = (...args: string[]): Promise<string> =>
      run([peerPath('docker-buildx-new') ?? '', ...args], {
        env: { ...process.env, DOCKER_CONFIG: scratch.path('docker'), BUILDX_BUILDER: name },
      })
    await buildx('create', `--name=${name}`, '--driver=remote', address)
    const out = `type=oci,dest=${scratch.path(`${name}.tar`)}`
    for (const target of ['app', 'last'])
      await buildx('build', '--quiet', `--target=${target}`, '-o', out, scratch.path('context'))
    const rows = await list(buildx)
    const byId = new Map(rows.map(row => [row.ID, nameOf(row)]))
    assert.equal(byId.size, rows.length)
    for (const row of rows) {
      assert.match(row.ID, /^[a-z0-9]{25}$/)
      assert.match(row.CreatedAt, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)? \+0000 UTC$/)
      assert.match(row.Size, /^\d+(\.\d+)?(B|kB|MB)$/)
      assert.match(row.LastUsedAt, /^Less than a second ago$|^\d+ seconds? ago$/)
      assert.ok(row.UsageCount >= 1)
      assert.deepEqual([row.Reclaimable, row.Shared], [true, false])
    }
    assert.deepEqual(
      rows
        .map(row => [nameOf(row), row.Type, row.Mutable, (row.Parents ?? []).map(id => byId.get(id)).join()])
        .sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)),
      expected,
    )
    const one = rows.find(row => row.Type === 'exec.cachemount')?.ID ?? ''
    assert.match(await buildx('du', '--verbose'), new RegExp(`^ID: {11}${one}\\n`, 'm'))
    assert.deepEqual(
      (await list(buildx, `--filter=id=${one.slice(0, 12)}`)).map(row => row.ID),
      [one],
    )
    assert.match(await buildx('prune', '-f', `--filter=id=${one}`), new RegExp(`^${one}\\*? +\\t?true `, 'm'))
    assert.ok(!(await list(buildx)).some(row => row.ID === one))
  }

  async function list(buildx: (...args: string[]) => Promise<string>, ...flags: string[]): Promise<Row[]> {
    const text = await buildx('du', '--format=json', ...flags)
    return text
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line) as Row)
  }
})

/** BuildKit shows steps by what made their files: an exec by its mount. */
function nameOf({ Description }: Row): string {
  const [name = ''] = /^(\[.*\] COPY|local source for \w+|cached mount \/c)/.exec(Description) ?? []
  return name !== '' ? name : Description.replace(/^mount \/ from exec .*$/, '[app 1/1] RUN')
}
