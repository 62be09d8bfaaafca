import assert from 'node:assert/strict'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { describe, it } from 'node:test'
import { startMirror } from '../support/mirror.ts'
import { lacks } from '../support/need.ts'
import { assertOneError } from '../support/one-error.ts'
import { makeScratch, type Scratch } from '../support/scratch.ts'
import { openSlipway, type SlipwayCommand } from '../support/slipway.ts'

const needs = { root: true, programs: ['runc', 'unshare'], registry: true }

const dockerfile = `FROM alpine:3.12 AS base
RUN mkdir -p /d/sub /o && echo one > /d/one && echo two > /d/two && echo h > /h1 && ln /h1 /h2 && ln -s d /link
RUN rm /d/two && rm -r /o && mkdir /o && echo new > /o/new && chmod 700 /d && chown 7:8 /d/sub && rm /link && mkdir /link
RUN t=$(stat -c %Y /d/one) && echo eno > /d/one && touch -d @$t /d/one && ln /h1 /h3
FROM alpine:3.12 AS tools
RUN echo tool > /tool
FROM base
WORKDIR /place/deep
RUN --mount=from=tools,target=/t --mount=from=tools,target=/rw,rw --mount=type=cache,target=/c \\
    --mount=type=secret,id=s --mount=type=tmpfs,target=/tmp/t \\
    cat /t/tool > got && echo x > /rw/gone && echo $((1 + $(cat /c/n || echo 0))) > /c/n && cat /run/secrets/s > secret \\
    && echo x > /tmp/t/x
USER nobody
RUN id -u > /tmp/who && ! touch /d/mine
`

describe('where overlayfs cannot be mounted', () => {
  it('steps work on copies, and the image is the same', { skip: lacks(needs) }, async () => {
    await using scratch = await makeScratch()
    await using mirror = await startMirror(scratch.dir, ['alpine'])
    await mkdir(scratch.path('ctx'))
    await writeFile(scratch.path('ctx', 'Dockerfile'), dockerfile)
    await writeFile(scratch.path('secret'), 'told')
    const usual = await openSlipway({ dir: scratch.path('usual'), mirrors: [mirror.host] })
    const onOverlay = await openSlipway({
      dir: scratch.path('o'),
      mirrors: [mirror.host],
      by: await onAnOverlay(scratch),
    })
    assert.match(await onOverlay.run('inspect'), /worker\.snapshotter: +native/)
    assert.equal(await digestOf(onOverlay, scratch), await digestOf(usual, scratch))
  })

  it('a step that fails says so, and `slipway run` runs', { skip: lacks(needs) }, async () => {
    await using scratch = await makeScratch()
    await using mirror = await startMirror(scratch.dir, ['alpine'])
    await mkdir(scratch.path('ctx'))
    const by = await onAnOverlay(scratch)
    const slipway = await openSlipway({ dir: scratch.path('o'), mirrors: [mirror.host], by })
    await writeFile(scratch.path('ctx', 'Dockerfile'), 'FROM alpine:3.12\nRUN echo hi > /x; exit 3\n')
    assertOneError(await slipway.try('build', scratch.path('ctx')), /exit code: 3/)
    await writeFile(scratch.path('ctx', 'Dockerfile'), 'FROM alpine:3.12\nRUN echo hi > /x\n')
    await slipway.run('build', '-t', 'app', scratch.path('ctx'))
    assert.match(await slipway.run('run', 'app', 'cat', '/x'), /^hi$/m)
  })
})

describe('root that may not mount', () => {
  it('is told so, and what to do', {
    skip: lacks({ root: true, programs: ['runc', 'setpriv'] }),
  }, async () => {
    await using scratch = await makeScratch()
    await mkdir(scratch.path('ctx'))
    await writeFile(scratch.path('ctx', 'Dockerfile'), 'FROM scratch\nCOPY . /\nRUN ["/x"]\n')
    const by = ['setpriv', '--bounding-set=-sys_admin', '--inh-caps=-sys_admin'] as const
    const slipway = await openSlipway({ dir: scratch.path('s'), by })
    const result = await slipway.try('build', scratch.path('ctx'))
    assertOneError(result, /cannot set up the container: this process may not mount anything/)
    assert.match(result.stderr, /^hint: .*--privileged$/m)
  })
})

/** A command that runs another one with its state directory on an overlay, on which no other overlay can write. */
async function onAnOverlay(scratch: Scratch): Promise<readonly [string, ...string[]]> {
  for (const name of ['lower', 'upper', 'work']) await mkdir(scratch.path('ov', name), { recursive: true })
  await mkdir(scratch.path('o', 'state'), { recursive: true })
  const options = ['lower', 'upper', 'work'].map(name => `${name}dir=${scratch.path('ov', name)}`).join(',')
  const mount = `mount -t overlay -o ${options} overlay "$SLIPWAY_ROOT" && exec "$@"`
  return ['unshare', '--mount', 'sh', '-c', mount, 'sh']
}

/** Builds everything anew and returns the digest of the image in the archive. */
async function digestOf(slipway: SlipwayCommand, scratch: Scratch): Promise<string | undefined> {
  const dest = scratch.path('image')
  await slipway.run(
    'build',
    `--secret=id=s,src=${scratch.path('secret')}`,
    '--build-arg=SOURCE_DATE_EPOCH=1700000000',
    '--provenance=false',
    `--output=type=oci,dest=${dest},tar=false,rewrite-timestamp=true`,
    scratch.path('ctx'),
  )
  const index = JSON.parse(await readFile(`${dest}/index.json`, 'utf8')) as {
    manifests: { digest: string }[]
  }
  return index.manifests.at(-1)?.digest
}
