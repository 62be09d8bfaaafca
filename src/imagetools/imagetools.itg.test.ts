import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { promisify } from 'node:util'
import { peerPath } from '../../scripts/setup/peers.ts'
import { asSlipwayError } from '../errors/slipway-error.ts'
import {
  type DockerRegistry,
  noDockerRegistry,
  startDockerRegistry,
} from '../registry/testing/docker-registry.ts'
import { putImage, TestClient } from '../registry/testing/test-client.ts'
import { planCreate } from './create.ts'
import type { ImageTools } from './image-tools.ts'
import { inspectImage, inspectText } from './inspect.ts'
import { formatInspected } from './inspect-format.ts'
import { imageStoreOpener } from './open-image-store.ts'
import { publish } from './publish.ts'
import { amd64, putSamples, type SampleImages } from './testing/sample-images.ts'

const buildx = peerPath('docker-buildx-new')
const skip = noDockerRegistry || (buildx === undefined ? 'docker-buildx-new could not be unpacked' : false)

/** A real registry with samples in `me/app` and one image in `other/app`, and both tools. */
class Bench implements AsyncDisposable {
  readonly registry: DockerRegistry
  readonly client: TestClient
  readonly tools: ImageTools
  readonly samples: SampleImages
  readonly directory: string

  private constructor(
    registry: DockerRegistry,
    client: TestClient,
    samples: SampleImages,
    directory: string,
  ) {
    this.registry = registry
    this.client = client
    this.tools = { open: imageStoreOpener({ registry: client }), defaultPlatform: amd64 }
    this.samples = samples
    this.directory = directory
  }

  static async start(): Promise<Bench> {
    const registry = await startDockerRegistry()
    const client = TestClient.make()
    const samples = await putSamples(client.at(registry.host, 'me/app'))
    await putImage(client.at(registry.host, 'other/app'), {
      tag: 'riscv',
      layers: ['x'],
      platform: { architecture: 'riscv64', os: 'linux' },
    })
    return new Bench(registry, client, samples, await mkdtemp(join(tmpdir(), 'slipway-buildx-')))
  }

  /** What docker-buildx prints, or its error. */
  async theirs(...args: readonly string[]): Promise<string> {
    const run = promisify(execFile)
    try {
      const env = { ...process.env, DOCKER_CONFIG: this.directory }
      return (await run(buildx ?? '', ['imagetools', ...args], { env })).stdout
    } catch (error) {
      return (error as { readonly stderr: string }).stderr
    }
  }

  /** What we would print, or our error in the form of theirs. */
  async ours(work: () => Promise<string>): Promise<string> {
    try {
      return await work()
    } catch (error) {
      return `ERROR: ${asSlipwayError(error).message}\n`
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.client[Symbol.dispose]()
    await this.registry[Symbol.asyncDispose]()
    await rm(this.directory, { recursive: true })
  }
}

/** Command lines of `create`; `A` and `O` stand for the two repositories, `D` and `E` for digests in the first. */
const creations = `
A:v1
A:amd
--prefer-index=false A:amd
A:amd A:arm
A:arm A:amd A:v1
A:damd
A:damd A:darm
A:damd A:arm
A:dlist A:arm
A:dlist
A:bare
A:bare A:amd
A:amd A:amd
A@D
A:v1@D
-p linux/amd64 A:v1
-p linux/arm/v7 A:v1
-p linux/arm A:v1
-p linux/s390x A:v1
-p linux/amd64,linux/arm/v7 A:v1
-p linux/arm64 A:dlist
-p linux/arm64/v8 A:dlist
-p linux/amd64 A:bare
-p nope A:v1
--annotation index:a=b A:v1
--annotation index:a=b --annotation manifest-descriptor:x=y A:v1
--annotation manifest-descriptor[linux/amd64]:x=y A:v1
--annotation index:a=b -p linux/amd64 A:v1
--annotation index:a=b A:bare
--annotation index:a=b A:dlist
--annotation index-descriptor:a=b A:v1
--annotation foo A:v1
--annotation zzz:a=b A:v1
-t A:new D
-t A:new D E
-t A:new --append A:amd
-t A:v1 --append A:damd
-t A:amd -f FILE
-t O:n D A:amd
A:amd O:riscv
D
sha256:abc
Foo
A:nope`
  .trim()
  .split('\n')

const formats = [
  '{{json .}}',
  '{{json .Manifest}}',
  '{{json .Image}}',
  '{{json .SBOM}}',
  '{{json .Provenance}}',
  '{{.Name}}',
  '{{.Manifest}}',
  '{{range .Manifest.Manifests}}{{.Digest}} {{.Platform.OS}}/{{.Platform.Architecture}} {{.Annotations}}{{"\\n"}}{{end}}',
  '{{json (index .Image "linux/amd64").Config}}',
  '{{(index .SBOM "linux/amd64").SPDX.spdxVersion}} {{(index .Provenance "linux/amd64").SLSA.a}}',
  '{{.Foo}}',
  '{{nope .}}',
]

describe('imagetools beside docker-buildx', { skip }, () => {
  it('inspect prints the same, as text, raw and by template', async () => {
    await using bench = await Bench.start()
    const { tools } = bench
    const name = `${bench.registry.host}/me/app:v1`
    // Go prints the two annotations of an entry in any order.
    const sorted = (text: string): string => text.split('\n').toSorted().join('\n')
    assert.equal(
      sorted(inspectText(await inspectImage(name, tools))),
      sorted(await bench.theirs('inspect', name)),
    )
    const { bytes } = await inspectImage(name, tools)
    assert.equal(Buffer.from(bytes).toString(), await bench.theirs('inspect', '--raw', name))
    for (const format of formats.filter(f => f !== '{{.Manifest}}')) {
      const ours = await bench.ours(
        async () => await formatInspected(await inspectImage(name, tools), format, tools),
      )
      assert.equal(ours, await bench.theirs('inspect', name, '--format', format), format)
    }
    const single = `${bench.registry.host}/me/app:amd`
    for (const format of formats.filter(f => !f.includes('index'))) {
      const ours = await bench.ours(
        async () => await formatInspected(await inspectImage(single, tools), format, tools),
      )
      assert.equal(ours, await bench.theirs('inspect', single, '--format', format), format)
    }
  })

  it('create makes the same bytes, or fails in the same words', async () => {
    await using bench = await Bench.start()
    const { host } = bench.registry
    const { amd, arm } = bench.samples
    const file = join(bench.directory, 'descriptor.json')
    const given = JSON.stringify({ ...amd.descriptor, annotations: { foo: 'bar' }, platform: amd64 })
    await writeFile(file, given)
    for (const line of creations) {
      const args = line.split(' ').map(word =>
        word
          .replace(/^A(?=[:@])/, `${host}/me/app`)
          .replace(/^O(?=:)/, `${host}/other/app`)
          .replace(
            /(?<=^|@)D$/,
            line.startsWith('A:v1@') ? bench.samples.index.descriptor.digest : amd.descriptor.digest,
          )
          .replace(/^E$/, arm.descriptor.digest)
          .replace('FILE', file),
      )
      const ours = await bench.ours(async () => {
        const plan = await planCreate(requestOf(args, given), bench.tools)
        return `${Buffer.from(plan.bytes).toString()}\n`
      })
      assert.equal(ours, await bench.theirs('create', '--dry-run', ...args), line)
    }
  })

  it('create pushes the same digests, to the same repository and to another', async () => {
    await using bench = await Bench.start()
    const { host } = bench.registry
    for (const repository of ['me/app', 'third/app']) {
      const sources = [`${host}/me/app:amd`, `${host}/me/app:arm`, `${host}/other/app:riscv`]
      await bench.theirs('create', '-t', `${host}/${repository}:theirs`, ...sources)
      const plan = await planCreate(
        requestOf(['-t', `${host}/${repository}:ours`, ...sources], ''),
        bench.tools,
      )
      await publish(plan, bench.tools)
      const store = bench.client.at(host, repository)
      const digest = (await store.head('theirs'))?.digest
      assert.notEqual(digest, undefined)
      assert.equal((await store.head('ours'))?.digest, digest)
      const seen = await bench.theirs('inspect', `${host}/${repository}:ours`)
      assert.match(seen, new RegExp(`Digest:    ${digest}`))
    }
  })
})

/** The few flags that the table above uses. */
function requestOf(args: readonly string[], file: string): Parameters<typeof planCreate>[0] {
  const values = (flag: string): string[] => args.flatMap((word, i) => (args[i - 1] === flag ? word : []))
  const flags = ['-p', '-t', '--annotation', '-f']
  return {
    sources: args.filter((word, i) => !word.startsWith('-') && !flags.includes(args[i - 1] ?? '')),
    files: args.includes('-f') ? [file] : [],
    tags: values('-t'),
    append: args.includes('--append'),
    annotations: values('--annotation'),
    preferIndex: !args.includes('--prefer-index=false'),
    platforms: values('-p'),
    dryRun: true,
  }
}
