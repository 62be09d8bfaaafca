import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import { after, before, describe, it } from 'node:test'
import { callCli, type CliOutcome } from '../../src/cli/testing/call-cli.ts'
import { InProcessRegistry } from '../../src/registry/testing/in-process-registry.ts'
import { lacks } from '../support/need.ts'
import { makeScratch, type Scratch } from '../support/scratch.ts'
import { pushCases } from './push-cases.ts'

// Registries that refuse what is pushed to them: each in the words that BuildKit has for it.

describe('a push', { skip: lacks({ root: true }), concurrency: 8 }, () => {
  const stack = new AsyncDisposableStack()
  let scratch: Scratch
  let registry: InProcessRegistry

  before(async () => {
    scratch = stack.use(await makeScratch())
    registry = stack.use(
      await InProcessRegistry.start({
        fault: request => {
          const found = pushCases[/^\/v2\/([^/]+)\//.exec(request.path)?.[1] ?? '']
          return found?.at(request) === true ? found.fault : undefined
        },
      }),
    )
    await mkdir(scratch.path('c'))
    await writeFile(scratch.path('c', 'Dockerfile'), 'FROM scratch\nCOPY Dockerfile /\n')
  })
  after(() => stack.disposeAsync())

  for (const [name, { words, retried }] of Object.entries(pushCases)) {
    it(`that ends with ${name}`, async () => {
      const { code, stderr } = await push([name], ['--provenance=false'])
      const shown = hide(stderr, name)
      assert.equal(code, 1, shown)
      const failure = `failed to push HOST/NAME:1: ${words}\n`
      assert.ok(shown.includes(`\nERROR: failed to build: failed to solve: ${failure}`), shown)
      assert.match(shown, new RegExp(`\\n#\\d+ ERROR: ${RegExp.escape(failure)}`))
      const errors = [...shown.matchAll(/^#\d+ \d\.\d{3} (error: .*)$/gm)].map(([, text]) => text)
      if (retried === undefined) assert.deepEqual(errors, [])
      else {
        assert.deepEqual(new Set(errors), new Set([retried]))
        for (const seconds of [1, 2, 4])
          assert.match(shown, new RegExp(`^#\\d+ \\d\\.\\d{3} retrying in ${seconds}s$`, 'm'))
      }
    })
  }

  it('is shown as two steps for each name, after the documents of each platform', async () => {
    const { code, stderr } = await push(['one', 'two'], ['--platform=linux/amd64,linux/arm64'])
    assert.equal(code, 0, stderr)
    const step = /^#(\d+) exporting to image$/m.exec(stderr)?.[1] ?? ''
    const lines = stderr.split('\n').filter(line => line.startsWith(`#${step} `))
    const shown = lines.map(line => line.slice(step.length + 2).replace(/( \d+\.\d+s)?( done)?$/, ''))
    const manifest = ['exporting manifest D', 'exporting config D', 'exporting attestation manifest D']
    assert.deepEqual(
      [...new Set(hide(shown.join('\n'), '').split('\n'))].map(line => line.replaceAll('DIGEST', 'D')),
      [
        'exporting to image',
        'exporting layers',
        ...manifest,
        'exporting manifest list D',
        'naming to HOST/one:1',
        'naming to HOST/two:1',
        'pushing layers',
        'pushing manifest for HOST/one:1@D',
        'pushing manifest for HOST/two:1@D',
        'DONE',
      ],
    )
    assert.deepEqual(
      [...stderr.matchAll(/exporting (attestation )?manifest sha256/g)].map(([, kind]) => kind?.trim()),
      [undefined, 'attestation', undefined, 'attestation'],
    )
  })

  it('under the digest only is named without a tag', async () => {
    const output = (name: string): string =>
      `--output=type=image,name=${registry.host}/${name},push=true,push-by-digest=true`
    const { code, stderr } = await push([], [output('only'), '--provenance=false'])
    assert.equal(code, 0, stderr)
    assert.match(hide(stderr, ''), /^#\d+ naming to HOST\/only@DIGEST( \d+\.\d+s)? done$/m)
    assert.match(hide(stderr, ''), /^#\d+ pushing manifest for HOST\/only( \d+\.\d+s)? done$/m)
    const tagged = await push([], [output('only:latest')])
    const failure = "failed to push HOST/only:latest: can't push tagged ref HOST/only:latest by digest"
    assert.ok(hide(tagged.stderr, '').includes(failure), tagged.stderr)
  })

  function hide(text: string, name: string): string {
    return text
      .replaceAll(registry.host, 'HOST')
      .replaceAll(`/${name}/`, '/NAME/')
      .replaceAll(`/${name}:`, '/NAME:')
      .replace(/http:\S+\/uploads\/[^"\s]*\?[^"\s]+/g, 'UPLOAD')
      .replace(/sha256:[0-9a-f]{64}/g, 'DIGEST')
      .replace(/"(layer|config|manifest)-/g, '"KIND-')
  }

  async function push(names: readonly string[], flags: readonly string[]): Promise<CliOutcome> {
    const tags = names.map(name => `--tag=${registry.host}/${name}:1`)
    const env = { HOME: scratch.dir, BUILDX_BUILDER: 'slipway', SLIPWAY_ROOT: scratch.path('state') }
    const out = names.length > 0 ? ['--push'] : []
    return await callCli(['build', '--progress=plain', ...out, ...flags, ...tags, scratch.path('c')], {
      cwd: scratch.dir,
      env,
    })
  }
})
