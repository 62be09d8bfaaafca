import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { prepareInputs } from './build-inputs.ts'
import { envSwitch } from './env-switch.ts'

const host = { cwd: '/', tempDir: '/tmp', stdin: (async function* () {})() }

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
