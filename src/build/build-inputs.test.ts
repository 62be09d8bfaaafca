import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { prepareInputs } from './build-inputs.ts'
import { envSwitch } from './env-switch.ts'

const host = {
  cwd: '/',
  tempDir: '/tmp',
  stdin: (async function* () {})(),
  download: async (url: string) => Buffer.from(`FROM ${url}`),
}

async function attrsOf(
  context: string,
  contexts: Record<string, string>,
): Promise<Readonly<Record<string, string>>> {
  await using inputs = await prepareInputs({ context, contexts } as never, host)
  return inputs.frontendAttrs
}

describe('what the frontend must be able to do', () => {
  it('is said where contexts are named and where URLs have queries', async () => {
    const git = 'https://x.example/y.git'
    assert.equal((await attrsOf(git, {}))['frontend.caps'], undefined)
    assert.equal((await attrsOf(`${git}#a?b`, {}))['frontend.caps'], undefined)
    assert.equal(
      (await attrsOf(`${git}?tag=v1#:d`, {}))['frontend.caps'],
      'moby.buildkit.frontend.gitquerystring',
    )
    assert.equal(
      (await attrsOf(git, { a: `${git}?ref=x`, b: 'docker-image://c?d' }))['frontend.caps'],
      'moby.buildkit.frontend.contexts+forward,moby.buildkit.frontend.gitquerystring+forward',
    )
  })

  it('may be left to what is known here: addresses with queries become graphs', async () => {
    const git = 'https://x.example/y.git'
    const older = { ...host, gitAsInput: { os: 'linux', architecture: 'amd64' } } as const
    const contexts = { a: `${git}?ref=x`, b: `${git}#y` }
    const request = { context: `${git}?tag=v1`, contexts, buildArgs: {} } as never
    await using inputs = await prepareInputs(request, older)
    assert.deepEqual(inputs.frontendAttrs, {
      ...{ filename: 'Dockerfile', 'input:context': `${git}?tag=v1` },
      ...{ 'context:a': 'input:git_state_context:a', 'input:context:a': `${git}?ref=x` },
      ...{ 'context:b': `${git}#y`, 'frontend.caps': 'moby.buildkit.frontend.contexts+forward' },
    })
    const named = Object.entries(inputs.frontendInputs).map(([name, { def }]) => [
      name,
      Buffer.from(def[0] ?? []).toString('latin1'),
    ])
    assert.deepEqual(
      named.map(([name]) => name),
      ['context', 'dockerfile', 'git_state_context:a'],
    )
    assert.match(named[0]?.[1] ?? '', /git:\/\/x\.example\/y\.git#refs\/tags\/v1/)
  })

  it('a context of no known kind is a directory', async () => {
    for (const value of ['input:x', 'docker-image:x', 'foo://x'])
      await assert.rejects(attrsOf('https://x.example/y.git', { a: value }), {
        message: `failed to get build context a: stat ${value}: no such file or directory`,
      })
  })

  it('layouts as contexts keep the tag that they were given with', async () => {
    const digest = `sha256:${'a'.repeat(64)}`
    const { 'context:a': tagged = '', 'context:b': plain = '' } = await attrsOf('https://x.example/y.git', {
      a: `oci-layout:///d:v1@${digest}`,
      b: `oci-layout:///d@${digest}`,
    })
    assert.match(tagged, new RegExp(`^oci-layout://[0-9a-f]+:v1@${digest}$`))
    assert.match(plain, new RegExp(`^oci-layout://[0-9a-f]+@${digest}$`))
  })
})

it('a switch of the environment is true, false, or a mistake', () => {
  assert.deepEqual(
    [envSwitch({}, 'A'), envSwitch({ A: 'T' }, 'A'), envSwitch({ A: '0' }, 'A')],
    [false, true, false],
  )
  assert.throws(() => envSwitch({ A: 'foo' }, 'A'), {
    message: 'invalid A: strconv.ParseBool: parsing "foo": invalid syntax',
  })
})

describe('the Dockerfile', () => {
  it('is offered under the name that was given, links out of its folder where they lead', async t => {
    const dir = await mkdtemp(join(tmpdir(), 'slipway-inputs-'))
    t.after(() => rm(dir, { recursive: true }))
    await mkdir(join(dir, 'd'))
    await writeFile(join(dir, 'd', 'real'), '')
    await symlink('d/real', join(dir, 'within'))
    await symlink('../d/real', join(dir, 'd', 'beside'))
    await mkdir(join(dir, 'e'))
    await symlink('../d/real', join(dir, 'e', 'out'))
    const place = async (dockerfile: string): Promise<readonly (string | undefined)[]> => {
      const request = { context: dir, contexts: {}, dockerfile } as never
      await using inputs = await prepareInputs(request, { ...host, cwd: dir })
      return [inputs.localDirs['dockerfile'], inputs.frontendAttrs['filename']]
    }
    assert.deepEqual(await place('within'), [dir, 'within'])
    assert.deepEqual(await place('d/beside'), [join(dir, 'd'), 'beside'])
    assert.deepEqual(await place('e/out'), [join(dir, 'd'), 'real'])
    assert.deepEqual(await place('.'), [dir, '.'])
    assert.deepEqual(await place('d'), [dir, 'd'])
    assert.deepEqual(await place('d/'), [join(dir, 'd'), 'd'])
    // Recorded from docker-buildx 0.36.1.
    for (const [given, message] of [
      ['no/such/x', 'resolve : lstat no: no such file or directory'],
      ['d/no/x', 'resolve : lstat d/no: no such file or directory'],
      ['/no-such-folder/x', 'resolve : lstat /no-such-folder: no such file or directory'],
      ['d/real/x', 'stat d/real: not a directory'],
      ['d/real/x/y', 'resolve : not a directory'],
    ] as const)
      await assert.rejects(place(given), { message })
  })

  it('at a URL is read by the node', async () => {
    const url = 'http://x.example/Dockerfile'
    const request = { context: 'https://x.example/y.git', contexts: {}, dockerfile: url } as never
    await using inputs = await prepareInputs(request, host)
    const { dockerfile = '' } = inputs.localDirs
    assert.equal(await readFile(join(dockerfile, 'Dockerfile'), 'utf8'), `FROM ${url}`)
    assert.equal(inputs.frontendAttrs['dockerfilekey'], 'dockerfile')
  })
})
