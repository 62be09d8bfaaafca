import assert from 'node:assert/strict'
import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { run } from '../../scripts/setup/run.ts'
import { lacksBuildkitd, startBuildkitd } from '../support/buildkitd.ts'
import { lacks } from '../support/need.ts'
import { addProgram } from '../support/program-files.ts'
import { startRegistry } from '../support/registry.ts'
import { makeScratch, type Scratch } from '../support/scratch.ts'
import { openSlipway, type SlipwayCommand } from '../support/slipway.ts'

// Bills of materials of the scanner in examples/sbom-scanner and of the built-in one, compared with what dpkg itself says.

const root = join(import.meta.dirname, '..', '..')
const skip = lacks({ root: true, registry: true, programs: ['runc', 'skopeo', 'dpkg-query'] })

interface SpdxPackage {
  readonly name: string
  readonly versionInfo?: string
  readonly externalRefs?: readonly { readonly referenceLocator: string }[]
}

interface Statement {
  readonly _type: string
  readonly predicateType: string
  readonly subject: readonly { readonly name: string; readonly digest: { readonly sha256: string } }[]
  readonly predicate: { readonly name: string; readonly packages: readonly SpdxPackage[] }
}

/** `name version` of the packages of a kind, sorted. */
function packagesOf(statement: Statement, type: string): string[] {
  return statement.predicate.packages
    .filter(one => one.externalRefs?.[0]?.referenceLocator.startsWith(`pkg:${type}/`))
    .map(one => `${one.name} ${one.versionInfo}`)
    .sort()
}

const dockerfile = `# Scans are asked for by arguments: of the context before the first stage, of stages in them.
ARG BUILDKIT_SBOM_SCAN_CONTEXT=true
FROM scratch AS tools
ARG BUILDKIT_SBOM_SCAN_STAGE=true
COPY tools /
FROM scratch
COPY image /
COPY --from=tools /lib /opt/lib
`

const apkDatabase = `C:Q1abc=
P:musl
V:1.2.5-r0
A:x86_64
L:MIT

C:Q1def=
P:busybox
V:1.36.1-r29
A:x86_64
L:GPL-2.0-only
`

describe('bills of materials', { skip }, () => {
  const stack = new AsyncDisposableStack()
  let scratch: Scratch
  let slipway: SlipwayCommand
  let registry: string
  let scanner: string
  /** What dpkg and npm say of the image that is scanned. */
  const expected = { deb: [] as string[], npm: ['@scope/inner 2.0.0', 'left-pad 1.3.0'] }

  before(async () => {
    scratch = stack.use(await makeScratch())
    registry = stack.use(await startRegistry({ dir: scratch.path('registry') })).host
    slipway = await openSlipway({ dir: scratch.dir })
    scanner = `${registry}/scanner:1`
    await makeScannerImage()
    await makeContext()
  })
  after(() => stack.disposeAsync())

  async function makeScannerImage(): Promise<void> {
    const dir = scratch.path('scanner')
    await mkdir(dir)
    await cp(join(root, 'examples', 'sbom-scanner', 'Dockerfile'), join(dir, 'Dockerfile'))
    await run([process.execPath, join(root, 'examples', 'sbom-scanner', 'bundle.ts'), dir])
    await addProgram(scratch.path('node'), process.execPath, '/usr/local/bin/node')
    const node = `--build-context=node:26-alpine=${scratch.path('node')}`
    await slipway.run(
      'build',
      node,
      '-o',
      `type=image,name=${scanner},push=true,compression=uncompressed`,
      dir,
    )
  }

  /** An image with the packages of this machine, as dpkg knows them, and some of npm; a stage with packages of apk. */
  async function makeContext(): Promise<void> {
    const image = (...parts: string[]): string => scratch.path('context', 'image', ...parts)
    const write = async (path: string, text: string): Promise<void> => {
      await mkdir(join(path, '..'), { recursive: true })
      await writeFile(path, text)
    }
    await write(scratch.path('context', 'Dockerfile'), dockerfile)
    await mkdir(image('var/lib/dpkg'), { recursive: true })
    await cp('/var/lib/dpkg/status', image('var/lib/dpkg/status'))
    await write(image('usr/lib/os-release'), 'ID=debian\nVERSION_ID="12"\n')
    await run([
      'sh',
      '-c',
      'mkdir -p "$1/etc" && ln -s /usr/lib/os-release "$1/etc/os-release"',
      'sh',
      image(),
    ])
    await write(image('app/node_modules/left-pad/package.json'), '{"name":"left-pad","version":"1.3.0"}')
    await write(
      image('app/node_modules/left-pad/node_modules/@scope/inner/package.json'),
      '{"name":"@scope/inner","version":"2.0.0","license":"MIT"}',
    )
    await write(scratch.path('context', 'tools', 'lib/apk/db/installed'), apkDatabase)
    const format = ['-f', '${db:Status-Status} ${Package} ${Version}\n']
    const listed = await run(['dpkg-query', `--admindir=${image('var/lib/dpkg')}`, '-W', ...format])
    const installed = listed.split('\n').filter(line => line.startsWith('installed '))
    expected.deb = installed.map(line => line.slice('installed '.length)).sort()
    assert.ok(expected.deb.length > 50)
  }

  async function statements(dir: string): Promise<Map<string, Statement>> {
    const files = (await readdir(dir)).filter(name => name.endsWith('.spdx.json')).sort()
    const read = async (name: string): Promise<Statement> =>
      JSON.parse(await readFile(join(dir, name), 'utf8')) as Statement
    return new Map(await Promise.all(files.map(async name => [name, await read(name)] as const)))
  }

  function check(found: ReadonlyMap<string, Statement>): void {
    assert.deepEqual([...found.keys()], ['sbom-context.spdx.json', 'sbom-tools.spdx.json', 'sbom.spdx.json'])
    const core = found.get('sbom.spdx.json') as Statement
    assert.deepEqual(packagesOf(core, 'deb'), expected.deb)
    assert.deepEqual(packagesOf(core, 'npm'), expected.npm)
    const purl = core.predicate.packages.find(one => one.name === 'dpkg')?.externalRefs?.[0]?.referenceLocator
    assert.match(purl ?? '', /^pkg:deb\/debian\/dpkg@[^?]+\?arch=\w+&distro=debian-12$/)
    const tools = found.get('sbom-tools.spdx.json') as Statement
    assert.deepEqual(packagesOf(tools, 'apk'), ['busybox 1.36.1-r29', 'musl 1.2.5-r0'])
    assert.deepEqual(packagesOf(tools, 'deb'), [])
    // The context has the same files, but not where package managers look for them.
    assert.deepEqual(packagesOf(found.get('sbom-context.spdx.json') as Statement, 'deb'), [])
    for (const { predicateType } of found.values()) assert.equal(predicateType, 'https://spdx.dev/Document')
  }

  const build = (generator: string, output: string, ...flags: string[]): Promise<string> => {
    const sbom = ['--attest', `type=sbom,generator=${generator}`]
    return slipway.run('build', '--progress=plain', ...sbom, '-o', output, ...flags, scratch.path('context'))
  }

  it('name what dpkg, npm and apk have installed, in the result, a stage and the context', async () => {
    const output = await build(scanner, `type=local,dest=${scratch.path('image-scanner')}`)
    assert.match(output, /\[linux\/amd64\] generating sbom using \S+\/scanner:1$/m)
    check(await statements(scratch.path('image-scanner')))
  })

  it('are the same from the built-in scanner', async () => {
    await build('builtin', `type=local,dest=${scratch.path('builtin')}`)
    check(await statements(scratch.path('builtin')))
  })

  it('are attached to a pushed image as a statement about it', async () => {
    const tag = `${registry}/app:1`
    await build(scanner, `type=registry,name=${tag}`)
    const raw = async (name: string): Promise<string> =>
      await run(['skopeo', 'inspect', '--raw', '--tls-verify=false', `docker://${name}`])
    const index = JSON.parse(await raw(tag))
    const [image, attached] = index.manifests
    assert.equal(attached.annotations['vnd.docker.reference.digest'], image.digest)
    const manifest = JSON.parse(await raw(`${registry}/app@${attached.digest}`))
    const found = new Map<string, Statement>()
    for (const layer of manifest.layers) {
      assert.equal(layer.mediaType, 'application/vnd.in-toto+json')
      if (layer.annotations['in-toto.io/predicate-type'] !== 'https://spdx.dev/Document') continue
      const answer = await fetch(`http://${registry}/v2/app/blobs/${layer.digest}`)
      const statement = (await answer.json()) as Statement
      assert.deepEqual(
        statement.subject.map(one => [one.name, `sha256:${one.digest.sha256}`]),
        [[`pkg:docker/${registry.replace(':', '%3A')}/app@1?platform=linux%2Famd64`, image.digest]],
      )
      found.set(`${statement.predicate.name}.spdx.json`, statement)
    }
    check(new Map([...found].sort(([a], [b]) => (a < b ? -1 : 1))))
  })

  it('come from BuildKit with the same scanner', { skip: lacksBuildkitd() }, async () => {
    await using real = await startBuildkitd({ dir: scratch.path('real') })
    await slipway.run('create', '--name=real', '--driver=remote', real.address)
    await build(scanner, `type=local,dest=${scratch.path('real-out')}`, '--builder=real')
    check(await statements(scratch.path('real-out')))
  })
})
