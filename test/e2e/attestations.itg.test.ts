import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { run } from '../../scripts/setup/run.ts'
import { lacks } from '../support/need.ts'
import { makeScratch, type Scratch } from '../support/scratch.ts'
import { openSlipway, type SlipwayCommand } from '../support/slipway.ts'

// What a build says about itself tells how it was made, and none of the secrets that it was made with.

const skip = lacks({ root: true, programs: ['runc', 'git', 'busybox'] })

/** Every secret of the build ends in this word. */
const canary = 'canary-5c1f'

describe('attestations', { skip }, () => {
  const stack = new AsyncDisposableStack()
  let scratch: Scratch
  let slipway: SlipwayCommand
  let web: Server

  before(async () => {
    scratch = stack.use(await makeScratch())
    slipway = await openSlipway({
      dir: scratch.dir,
      env: {
        SECRET_OF_ENVIRONMENT: `env-${canary}`,
        BUILDX_METADATA_PROVENANCE: 'max',
        HTTP_PROXY: '',
        HTTPS_PROXY: '',
        http_proxy: '',
        https_proxy: '',
      },
    })
    await mkdir(scratch.path('context'))
    await run(['cp', '/bin/busybox', scratch.path('context', 'busybox')])
    await writeFile(scratch.path('secret.txt'), `file-${canary}`)
    await makeRepository()
    web = createServer((request, response) => void answer(request.url ?? '', response))
    await new Promise<void>(resolve => web.listen(0, '127.0.0.1', resolve))
    stack.defer(() => void web.close())
  })
  after(() => stack.disposeAsync())

  /** A repository as a static web server shows it. */
  async function makeRepository(): Promise<void> {
    const script = `
      git init -q -b main "$1/repo" && cd "$1/repo" && echo content > file && git add file
      git -c user.name=a -c user.email=a@b commit -qm one && git update-server-info`
    await run(['sh', '-ec', script, 'sh', scratch.dir])
  }

  async function answer(url: string, response: import('node:http').ServerResponse): Promise<void> {
    const path = new URL(url, 'http://x').pathname
    const file = path.startsWith('/repo.git/') ? scratch.path('repo', '.git', path.slice(10)) : undefined
    const body = file === undefined ? 'downloaded\n' : await readFile(file).catch(() => undefined)
    response.writeHead(body === undefined ? 404 : 200)
    response.end(body)
  }

  const host = (): string => `127.0.0.1:${(web.address() as AddressInfo).port}`
  const url = (path: string): string => `http://user:url-${canary}@${host()}/${path}`

  const dockerfile = (): string => `FROM scratch
COPY busybox /bin/sh
RUN --mount=type=secret,id=file --mount=type=secret,id=variable,env=TOKEN \\
  read x < /run/secrets/file; test "$x" = file-${canary.slice(0, 6)}"${canary.slice(6)}" && test -n "$TOKEN"
ADD ${url('download')} /download
ADD ${url('repo.git')}#main /repo
`

  /** Everything in a directory, archives unpacked, as one text. */
  async function textOf(dir: string): Promise<string> {
    const files = await readdir(dir, { recursive: true, withFileTypes: true })
    const texts = files
      .filter(one => one.isFile())
      .map(one => readFile(join(one.parentPath, one.name), 'latin1'))
    return (await Promise.all(texts)).join('\n')
  }

  const secrets = (): string[] => [
    ...['--secret', `id=file,src=${scratch.path('secret.txt')}`],
    ...['--secret', 'id=variable,env=SECRET_OF_ENVIRONMENT'],
    ...['--build-arg', `HTTP_PROXY=http://proxy:proxy-${canary}@127.0.0.1:9`, '--build-arg', 'NO_PROXY=*'],
  ]

  it('tell nothing of secrets, of credentials in addresses, and of those of proxies', async () => {
    await writeFile(scratch.path('context', 'Dockerfile'), dockerfile().replaceAll(/^ADD .*$/gm, ''))
    await writeFile(scratch.path('context', 'fetching.Dockerfile'), dockerfile())
    for (const version of ['v1', 'v0.2']) {
      const out = scratch.path(`out-${version}`)
      const image = scratch.path(`image-${version}`)
      const outputs = ['-o', `type=local,dest=${out}`, '-o', `type=oci,dest=${image},tar=false`]
      const attest = [
        '--attest',
        `type=provenance,mode=max,version=${version}`,
        '--attest',
        'type=sbom,generator=builtin',
      ]
      const metadata = ['--metadata-file', scratch.path('metadata.json')]
      const output = await slipway.run(
        ...['build', '--progress=plain', ...secrets(), ...attest, ...outputs, ...metadata],
        scratch.path('context'),
      )
      const provenance = await readFile(join(out, 'provenance.json'), 'utf8')
      assert.match(provenance, /"variable"/, 'it tells which secrets were used')
      const told = [
        provenance,
        await textOf(image),
        await readFile(scratch.path('metadata.json'), 'utf8'),
        output,
      ]
      for (const text of told) assert.doesNotMatch(text, new RegExp(`(?:file|env|proxy)-${canary}`))
    }
  })

  it('name what was downloaded without user and password', async () => {
    const out = scratch.path('fetched')
    const attest = ['--attest', 'type=provenance,mode=max', '-o', `type=local,dest=${out}`]
    await slipway.run(
      'build',
      ...attest,
      '-f',
      scratch.path('context', 'fetching.Dockerfile'),
      ...secrets(),
      scratch.path('context'),
    )
    const provenance = JSON.parse(await readFile(join(out, 'provenance.json'), 'utf8'))
    const uris: string[] = provenance.predicate.buildDefinition.resolvedDependencies.map(
      (one: { uri: string }) => one.uri,
    )
    assert.ok(uris.includes(`http://xxxxx:xxxxx@${host()}/download`), uris.join())
    assert.ok(uris.includes(`http://xxxxx:xxxxx@${host()}/repo.git#main`), uris.join())
    // The Dockerfile itself is part of it in the mode max, and says what it says.
    delete provenance.predicate.runDetails.metadata.buildkit_metadata.source
    assert.doesNotMatch(JSON.stringify(provenance), new RegExp(`url-${canary}`))
  })

  it('leave no secret in the state of the engine', async () => {
    const state = await textOf(scratch.path('state'))
    assert.match(state, /downloaded/, 'this looks at the files of the state')
    assert.doesNotMatch(state, new RegExp(`(?:file|env|proxy)-${canary}`))
  })
})
