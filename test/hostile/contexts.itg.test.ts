import assert from 'node:assert/strict'
import { mkdir, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { it } from 'node:test'
import { run } from '../../scripts/setup/run.ts'
import { lacks } from '../support/need.ts'
import { assertOneError } from '../support/one-error.ts'
import { makeOrdinaryUser } from '../support/ordinary-user.ts'
import { makeScratch } from '../support/scratch.ts'
import { openSlipway } from '../support/slipway.ts'

const needs = { root: true, programs: ['unshare', 'setpriv'] }

it('a context is a directory, or a symlink to one', { skip: lacks({}) }, async () => {
  await using scratch = await makeScratch()
  const slipway = await openSlipway({ dir: scratch.path('s') })
  await mkdir(scratch.path('context'))
  await symlink('context', scratch.path('link'))
  await writeFile(scratch.path('context', 'Dockerfile'), 'FROM scratch\nCOPY . /all/\n')
  for (const way of ['link', 'link/', 'context/../link']) {
    const out = scratch.path('out')
    await slipway.run('build', '-o', out, `${scratch.dir}/${way}`)
    assert.deepEqual(await readdir(`${out}/all`), ['Dockerfile'], way)
    await rm(out, { recursive: true })
  }
})

/** What a user may not read, and what the build then says. */
const cases: readonly (readonly [
  name: string,
  steps: string,
  hidden: string,
  error: RegExp,
  hint: RegExp,
])[] = [
  [
    'a file that is copied',
    'COPY secret /',
    'secret',
    /: open \S+\/secret: permission denied$/,
    /^leave it out/,
  ],
  [
    'a directory below what is copied',
    'COPY . /',
    'below',
    /: open \S+\/below: permission denied$/,
    /^leave it out/,
  ],
  [
    'the ignore file',
    'COPY public /',
    '.dockerignore',
    /failed to read \.dockerignore: open \S+\/\.dockerignore: permission denied$/,
    /^make it readable$/,
  ],
  [
    'the Dockerfile',
    'COPY public /',
    'Dockerfile',
    /failed to read dockerfile: open \S+\/Dockerfile: permission denied$/,
    /^make it readable$/,
  ],
  [
    'the context',
    'COPY public /',
    '.',
    /failed to read dockerfile: lstat \S+\/Dockerfile: permission denied$/,
    /^make it readable$/,
  ],
]

it('what an ordinary user may not read is told with its path and what to do', {
  skip: lacks(needs),
}, async t => {
  await using scratch = await makeScratch()
  const { home, by, clone, node } = await makeOrdinaryUser(scratch.dir)
  const env = { SLIPWAY_NODE: node, HOME: home, XDG_CACHE_HOME: `${home}/cache` }
  const slipway = await openSlipway({ dir: home, env, by, clone })
  await run(['chown', '-R', '--reference', home, `${home}/docker`, `${home}/buildkitd.toml`])
  for (const [name, steps, hidden, error, hint] of cases) {
    await t.test(name, async () => {
      const context = scratch.path(name.replaceAll(' ', '-'))
      await mkdir(`${context}/below`, { recursive: true })
      for (const file of ['public', 'secret', 'below/file']) await writeFile(`${context}/${file}`, file)
      await writeFile(`${context}/Dockerfile`, `FROM scratch\n${steps}\n`)
      await writeFile(`${context}/.dockerignore`, 'secret?\n')
      await run(['chmod', '0', `${context}/${hidden}`])
      const result = await slipway.try('build', '-o', 'type=cacheonly', context)
      assertOneError(result, error)
      assert.match(/^hint: (.*)$/m.exec(result.stderr)?.[1] ?? '', hint)
    })
  }
})
