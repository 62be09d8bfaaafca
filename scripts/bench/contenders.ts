import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startBackground } from '../../test/support/background.ts'
import { startDockerd } from '../../test/support/dockerd.ts'
import { peerPath } from '../setup/peers.ts'
import { findProgram } from '../setup/programs.ts'
import { run } from '../setup/run.ts'
import type { Contender, Job } from './contender.ts'
import { type Measured, measure } from './measure.ts'

const root = join(import.meta.dirname, '..', '..')

/** What buildkitd does without CNI; the dockerd of the bench has no bridge network, and buildah is given the same. */
const hostNetwork = '--network=host'

/** Slipway of this clone, bundled as an installed one is, with a state directory of its own. */
export async function startSlipway(dir: string): Promise<Contender> {
  const program = process.env['SLIPWAY_BENCH_PROGRAM'] ?? join(root, 'bin', 'slipway')
  const { DOCKER_HOST: _host, ...inherited } = process.env
  const own = {
    SLIPWAY_ROOT: join(dir, 'state'),
    DOCKER_CONFIG: join(dir, 'docker'),
    SLIPWAY_NODE: process.execPath,
    BUILDX_BUILDER: 'slipway',
  }
  const env = { ...inherited, ...own }
  await mkdir(own.DOCKER_CONFIG, { recursive: true })
  return {
    name: 'slipway',
    version: (await run([program, 'version'], { env })).trim(),
    build: job => measure([program, ...buildxArgs(job)], { env, cwd: folderOf(job, dir), daemons: [] }),
    async [Symbol.asyncDispose]() {},
  }
}

/** The BuildKit inside dockerd, through docker-buildx: both unpacked by the tests' set-up. */
export async function startDockerBuildkit(dir: string): Promise<Contender> {
  const buildx = needPeer('docker-buildx')
  const dockerd = await startDockerd({ dir, containerdStore: true })
  const version = (await dockerd.docker('version', '--format', '{{.Server.Version}}')).trim()
  return {
    name: 'BuildKit',
    version: `dockerd ${version} with ${(await run([buildx, 'version'])).split(' ').slice(0, 2).join(' ')}`,
    build: job =>
      measure([buildx, ...buildxArgs(job), ...(job.bake === undefined ? [hostNetwork] : [])], {
        env: dockerd.env,
        cwd: folderOf(job, dir),
        daemons: [dockerd.pid],
      }),
    [Symbol.asyncDispose]: () => dockerd[Symbol.asyncDispose](),
  }
}

/** A standalone buildkitd, through docker-buildx and its remote driver. */
export async function startBuildkitd(dir: string, program: string): Promise<Contender> {
  const buildx = process.env['SLIPWAY_PEER_BUILDX'] ?? needPeer('docker-buildx-new')
  await mkdir(dir, { recursive: true })
  const socket = `unix://${join(dir, 'bk.sock')}`
  const command: [string, ...string[]] = [program, '--root', join(dir, 'root'), '--addr', socket]
  const worker = ['--oci-worker=true', '--containerd-worker=false']
  const server = await startBackground([...command, ...worker], {
    ready: text => text.includes('running server on'),
  })
  const env = { ...process.env, BUILDX_CONFIG: join(dir, 'buildx'), DOCKER_CONFIG: join(dir, 'docker') }
  await run([buildx, 'create', '--name', 'peer', '--driver', 'remote', socket], { env })
  return {
    name: 'BuildKit',
    version: (await run([program, '--version'])).trim(),
    build: job =>
      measure([buildx, ...buildxArgs(job), '--builder', 'peer'], {
        env,
        cwd: folderOf(job, dir),
        daemons: [server.pid],
      }),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}

/** Buildah with the overlay driver and its layer cache. */
export async function startBuildah(dir: string): Promise<Contender> {
  const program = findProgram('buildah')
  if (program === undefined) throw new Error('buildah is not installed')
  await mkdir(dir, { recursive: true })
  const policy = join(dir, 'policy.json')
  await writeFile(policy, '{"default":[{"type":"insecureAcceptAnything"}]}')
  const store = ['--root', join(dir, 'root'), '--runroot', join(dir, 'run'), '--storage-driver', 'overlay']
  const trust = ['--signature-policy', policy, '--tls-verify=false']
  const runtime = findProgram('runc') // the others' too; Debian's crun refuses hybrid cgroups
  const runtimeFlags = runtime === undefined ? [] : ['--runtime', runtime]
  const call = (...args: string[]): Promise<Measured> =>
    measure([program, ...store, ...args], { env: { ...process.env, TMPDIR: dir }, cwd: dir, daemons: [] })
  return {
    name: 'buildah',
    version: (await run([program, 'version'])).split('\n')[0]?.replace(/\s+/g, ' ') ?? '',
    async build(job) {
      const { output } = job
      if (job.bake !== undefined) throw new Error('buildah reads no bake files')
      const name = output.kind === 'store' ? output.tag : `bench-${process.pid}`
      const platforms = job.platforms ?? []
      const tag = platforms.length > 1 ? ['--manifest', `${name}-list`] : ['--tag', name]
      const flags = ['bud', '--layers', hostNetwork, ...runtimeFlags, ...trust, ...tag, ...argFlags(job)]
      const select = platforms.length > 0 ? ['--platform', platforms.join(',')] : []
      const built = await call(...flags, ...select, job.context)
      if (output.kind === 'none' || output.kind === 'store') return built
      const target = output.kind === 'oci' ? `oci-archive:${output.file}` : `docker://${output.reference}`
      const format = output.kind === 'oci' ? ['--compression-format', output.compression] : []
      const pushed = await call('push', ...trust, ...format, name, target)
      return { ms: built.ms + pushed.ms, peak: Math.max(built.peak, pushed.peak) }
    },
    async [Symbol.asyncDispose]() {
      await run(['sh', '-c', 'umount "$1" 2>/dev/null || true', 'sh', join(dir, 'root', 'overlay')])
    },
  }
}

/** Bake files are found in the working directory, and what they name lies in it. */
function folderOf(job: Job, dir: string): string {
  return job.bake === undefined ? dir : job.context
}

function buildxArgs(job: Job): string[] {
  if (job.bake !== undefined)
    return ['bake', '-f', job.bake, '--progress=plain', '--set', '*.output=type=cacheonly']
  const platforms = job.platforms === undefined ? [] : ['--platform', job.platforms.join(',')]
  return ['build', '--progress=plain', ...platforms, ...argFlags(job), ...outputFlags(job), job.context]
}

function argFlags(job: Job): string[] {
  return Object.entries(job.buildArgs ?? {}).flatMap(([name, value]) => ['--build-arg', `${name}=${value}`])
}

function outputFlags({ output }: Job): string[] {
  switch (output.kind) {
    case 'none':
      return ['--output', 'type=cacheonly']
    case 'store':
      return ['--tag', output.tag, '--output', 'type=image']
    case 'oci':
      return [
        '--output',
        `type=oci,dest=${output.file},compression=${output.compression},force-compression=true`,
      ]
    case 'push':
      return ['--output', `type=image,name=${output.reference},push=true,registry.insecure=true`]
    default:
      return output satisfies never
  }
}

function needPeer(name: Parameters<typeof peerPath>[0]): string {
  const file = peerPath(name)
  if (file === undefined) throw new Error(`${name} is not unpacked: run npm test first`)
  return file
}
