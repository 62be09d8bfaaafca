import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { promisify } from 'node:util'
import { peerPath } from '../../scripts/setup/peers.ts'
import { putSamples, type SampleImages } from '../imagetools/testing/sample-images.ts'
import {
  type DockerRegistry,
  noDockerRegistry,
  startDockerRegistry,
} from '../registry/testing/docker-registry.ts'
import { TestClient } from '../registry/testing/test-client.ts'
import { digestOf } from '../oci/digest.ts'
import { callCli, type CliOutcome } from './testing/call-cli.ts'

const buildx = peerPath('docker-buildx-new')
const skip = noDockerRegistry || (buildx === undefined ? 'docker-buildx-new could not be unpacked' : false)

/** Go prints annotations in any order: the two of an attestation the other way round. */
const swapped = /( {4}vnd\.docker\.reference\.type: .*\n)( {4}vnd\.docker\.reference\.digest: .*\n)/g

/** A registry with sample images in `me/app`, and both programs in an empty directory. */
class Bench implements AsyncDisposable {
  readonly registry: DockerRegistry
  readonly samples: SampleImages
  readonly directory: string

  private constructor(registry: DockerRegistry, samples: SampleImages, directory: string) {
    this.registry = registry
    this.samples = samples
    this.directory = directory
  }

  static async start(): Promise<Bench> {
    const registry = await startDockerRegistry()
    using client = TestClient.make()
    const samples = await putSamples(client.at(registry.host, 'me/app'))
    return new Bench(registry, samples, await mkdtemp(join(tmpdir(), 'slipway-imagetools-')))
  }

  get app(): string {
    return `${this.registry.host}/me/app`
  }

  async theirs(...args: readonly string[]): Promise<CliOutcome> {
    const env = { ...process.env, DOCKER_CONFIG: this.directory }
    try {
      const found = await promisify(execFile)(buildx ?? '', ['imagetools', ...args], {
        env,
        cwd: this.directory,
      })
      return { code: 0, ...found }
    } catch (error) {
      return error as CliOutcome
    }
  }

  async ours(...args: readonly string[]): Promise<CliOutcome> {
    const env = { DOCKER_CONFIG: this.directory, SLIPWAY_ROOT: join(this.directory, 'root') }
    return await callCli(['imagetools', ...args], { cwd: this.directory, env })
  }

  /** Both say the same, apart from hints, which are ours alone. */
  async agree(...args: readonly string[]): Promise<CliOutcome> {
    const [ours, theirs] = [await this.ours(...args), await this.theirs(...args)]
    const stderr = ours.stderr.replace(/^hint: .*\n/m, '')
    assert.deepEqual(
      { ...ours, stderr },
      { code: theirs.code, stdout: theirs.stdout.replace(swapped, '$2$1'), stderr: theirs.stderr },
      args.join(' '),
    )
    return ours
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.registry[Symbol.asyncDispose]()
    await rm(this.directory, { recursive: true })
  }
}

describe('imagetools on the command line', { skip }, () => {
  it('inspects as buildx does', async () => {
    await using bench = await Bench.start()
    await bench.agree('inspect', `${bench.app}:v1`)
    await bench.agree('inspect', '--raw', `${bench.app}:v1`)
    await bench.agree('inspect', '--format', '{{json .Manifest}}', `${bench.app}:v1`)
    await bench.agree('inspect', '--format', '{{.Name}}', `${bench.app}:amd`)
    await bench.agree('inspect', '--format', '{{.Name}}', '--raw', `${bench.app}:amd`)
    const missing = await bench.ours('inspect', `${bench.app}:missing`)
    assert.equal(missing.code, 1)
    assert.match(missing.stderr, /^ERROR: .*not found\n/)
    assert.doesNotMatch(missing.stderr, /\n {4}at /)
  })

  it('shows what would be created, and why nothing can be, as buildx does', async () => {
    await using bench = await Bench.start()
    const { app, directory } = bench
    const descriptor = { ...bench.samples.amd.descriptor, platform: { os: 'linux', architecture: 'amd64' } }
    await writeFile(join(directory, 'amd.json'), JSON.stringify(descriptor))
    await bench.agree('create', '--dry-run', `${app}:amd`, `${app}:arm`)
    await bench.agree('create', '--dry-run', '-p', 'linux/amd64', `${app}:dlist`)
    await bench.agree('create', '--dry-run', '--annotation', 'index:a=b', `${app}:v1`)
    await bench.agree('create', '--dry-run', '-f', 'amd.json', '-t', `${app}:new`)
    await bench.agree('create', '--dry-run', '--append', '-t', `${app}:amd`, `${app}:arm`)
    await bench.agree('create', '--dry-run')
    await bench.agree('create', `${app}:amd`)
    await bench.agree('create', '--dry-run', '-f', 'missing.json')
    await bench.agree('create', '--dry-run', 'UPPER')
  })

  it('puts the image under every tag, tells what it copies and writes metadata', async () => {
    await using bench = await Bench.start()
    const { app, directory } = bench
    const other = `${bench.registry.host}/other/app`
    const args = ['-t', `${other}:1`, '-t', `${other}:2`, '-t', `${app}:both`, '--progress', 'plain']
    const sources = [`${app}:amd`, `${app}:arm`]
    const done = await bench.ours('create', ...args, '--metadata-file', 'ours.json', ...sources)
    assert.equal(done.code, 0, done.stderr)
    assert.match(done.stderr, new RegExp(`\\[internal\\] pushing ${other}\n`))
    assert.match(done.stderr, /copying sha256:[0-9a-f]{64} from \S+ to \S+/)
    const made = await bench.ours('inspect', '--raw', `${other}:1`)
    const dry = await bench.theirs('create', '--dry-run', ...sources)
    assert.equal(`${made.stdout}\n`, dry.stdout)
    await bench.agree('inspect', `${other}:2`)
    await bench.agree('inspect', `${app}:both`)
    const metadata: unknown = JSON.parse(await readFile(join(directory, 'ours.json'), 'utf8'))
    const bytes = Buffer.from(made.stdout)
    const { mediaType } = JSON.parse(made.stdout) as { mediaType: string }
    assert.deepEqual(metadata, {
      'containerimage.descriptor': { mediaType, digest: digestOf(bytes), size: bytes.length },
      'image.name': [app, other].join(','),
    })
  })

  it('asks registries as the builder was configured, in docker-buildx too', async () => {
    await using bench = await Bench.start()
    const { app, directory } = bench
    const { host } = bench.registry
    const config = `[registry."mirrored.example"]\n  mirrors = ["${host}"]\n[registry."${host}"]\n  http = true\n`
    const files = { 'buildkitd.toml': Buffer.from(config).toString('base64') }
    const node = {
      Name: 'told0',
      Endpoint: 'unix:///nowhere',
      Platforms: null,
      DriverOpts: null,
      Files: files,
    }
    const instances = join(directory, 'buildx', 'instances')
    await mkdir(instances, { recursive: true })
    const group = { Name: 'told', Driver: 'docker-container', Nodes: [node], Dynamic: false }
    await writeFile(join(instances, 'told'), JSON.stringify(group))
    const args = ['--builder', 'told', '--format', '{{json .Manifest}}']
    const name = 'mirrored.example/me/app:v1'
    const seen = await bench.agree('inspect', ...args, name)
    assert.match(seen.stdout, new RegExp(bench.samples.index.descriptor.digest))
    await bench.agree('create', '--builder', 'told', '--dry-run', name, `${app}:amd`)
    await bench.agree('inspect', '--builder', 'nobody', `${app}:v1`)
    const untold = await bench.ours('inspect', name)
    assert.match(untold.stderr, /mirrored\.example/)
  })

  it('is quiet where it is asked to be', async () => {
    await using bench = await Bench.start()
    const done = await bench.ours('create', '--progress', 'none', '-t', `${bench.app}:x`, `${bench.app}:v1`)
    assert.deepEqual(done, { code: 0, stdout: '', stderr: '' })
  })
})
