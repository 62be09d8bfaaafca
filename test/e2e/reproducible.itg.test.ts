import assert from 'node:assert/strict'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { after, before, describe, it } from 'node:test'
import { run } from '../../scripts/setup/run.ts'
import { lacks } from '../support/need.ts'
import { makeScratch, type Scratch } from '../support/scratch.ts'
import { openSlipway } from '../support/slipway.ts'

// The same sources give the same digests: at another time, in another place, on a machine that is called and set up otherwise.

const skip = lacks({ root: true, programs: ['runc', 'busybox', 'unshare'] })

const dockerfile = `FROM scratch AS base
COPY busybox /bin/sh
FROM base AS tools
RUN mkdir -p /made/deep && echo one > /made/deep/file && ln /made/deep/file /made/hard && ln -s file /made/deep/link
FROM base
ARG WHO=somebody
ENV A=b
COPY --chown=5:6 --link files /files
COPY --from=tools /made /made
RUN echo "$WHO" > /who && rm /files/b && mkdir /files/new
LABEL x=y
CMD ["sh"]
`

interface Surroundings {
  readonly env?: NodeJS.ProcessEnv
  readonly by?: readonly [string, ...string[]]
}

const here: Surroundings = {}

/** Another host name, file mode mask, time zone, language, and home. */
const elsewhere: Surroundings = {
  env: { TZ: 'Pacific/Auckland', LC_ALL: 'C.UTF-8', LANG: 'de_DE.UTF-8', HOME: '/nonexistent' },
  by: ['unshare', '--uts', 'sh', '-c', 'hostname elsewhere; umask 077; exec "$@"', 'sh'],
}

describe('reproducible images', { skip }, () => {
  const stack = new AsyncDisposableStack()
  let scratch: Scratch
  before(async () => {
    scratch = stack.use(await makeScratch())
  })
  after(() => stack.disposeAsync())

  /** Writes the sources anew, builds them with nothing cached, and answers the digests of what came out. */
  async function build(place: string, surroundings: Surroundings, attributes: string): Promise<unknown> {
    const dir = scratch.path(...place.split('/'))
    const context = join(dir, 'context')
    await mkdir(join(context, 'files'), { recursive: true })
    await writeFile(join(context, 'Dockerfile'), dockerfile)
    await run(['cp', '/bin/busybox', join(context, 'busybox')])
    for (const name of ['c', 'a', 'b']) await writeFile(join(context, 'files', name), name, { mode: 0o640 })
    const slipway = await openSlipway({ dir, ...surroundings })
    const out = join(dir, 'out')
    await slipway.run(
      ...[
        'build',
        '--platform=linux/amd64',
        '--build-arg=SOURCE_DATE_EPOCH=1700000000',
        '--provenance=false',
      ],
      ...['--attest', 'type=sbom,generator=builtin', '-o', `type=oci,dest=${out},tar=false,${attributes}`],
      context,
    )
    const index = JSON.parse(await readFile(join(out, 'index.json'), 'utf8'))
    return index.manifests
  }

  for (const attributes of [
    'rewrite-timestamp=true',
    'rewrite-timestamp=true,compression=zstd,force-compression=true',
  ]) {
    it(`have the same digests (${attributes})`, async () => {
      const first = await build(`one-${attributes.length}`, here, attributes)
      await sleep(1100) // Times of files and of images are in whole seconds.
      const second = await build(`another/place-${attributes.length}/of/it`, elsewhere, attributes)
      assert.deepEqual(second, first)
    })
  }
})
