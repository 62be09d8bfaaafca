import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type DockerApiOptions, type DockerCall, startDockerApi } from '../../support/docker-api.ts'
import { startFakeDaemon } from '../../support/fake-daemon.ts'
import { startKubeApi } from '../../support/kube-api.ts'

/** What the calls of a case find around them. Daemons and docker build nothing: they answer what lists need. */
export interface WorldOptions {
  readonly docker?: Omit<DockerApiOptions, 'daemon'>
  /** No docker daemon answers. */
  readonly noDocker?: boolean
  /** A Kubernetes API server answers too. */
  readonly kubernetes?: boolean
}

/** Surroundings in a folder of their own, whose name is always as long, since lists are as wide as their cells. */
export interface World extends AsyncDisposable {
  readonly dir: string
  readonly env: Readonly<Record<string, string>>
  /** Files of the builders: content by path below the folder of the configuration. */
  files(): ReadonlyMap<string, string>
  /** Makes every builder long unused, so that its use shows. */
  age(): void
  /** What docker was asked to change since the last look. */
  takeDockerCalls(): readonly DockerCall[]
  /** Objects that the cluster was given since the last look. */
  takeObjects(): Readonly<Record<string, unknown>>
}

const docker = {
  id: 'dockerworkerid00000000000',
  platforms: ['linux/amd64', 'linux/amd64/v2', 'linux/386'],
  labels: { 'org.mobyproject.buildkit.worker.moby.host-gateway-ip': '172.17.0.1' },
  version: 'v0.13.2',
}

/** Makes the surroundings of a case: two daemons at `a.sock` and `b.sock`, docker, contexts that work and that do not. */
export async function makeWorld(options: WorldOptions): Promise<World> {
  await using stack = new AsyncDisposableStack()
  const dir = mkdtempSync('/tmp/bgold-')
  stack.defer(() => rmSync(dir, { recursive: true, force: true }))
  stack.use(
    await startFakeDaemon(join(dir, 'a.sock'), {
      id: 'aworkerid0000000000000000',
      platforms: [
        'linux/amd64',
        'linux/amd64/v2',
        'linux/amd64/v3',
        'linux/386',
        'linux/arm64',
        'linux/riscv64',
        'linux/ppc64le',
        'linux/s390x',
        'linux/arm/v7',
        'linux/arm/v6',
      ],
      labels: {
        'org.mobyproject.buildkit.worker.executor': 'oci',
        'org.mobyproject.buildkit.worker.hostname': 'a',
        'org.mobyproject.buildkit.worker.snapshotter': 'overlayfs',
      },
      full: true,
    }),
  )
  stack.use(
    await startFakeDaemon(join(dir, 'b.sock'), {
      id: 'bworkerid0000000000000000',
      platforms: ['linux/arm64', 'linux/arm/v7'],
      version: 'v0.11.6',
    }),
  )
  const dockerApi =
    options.noDocker === true
      ? undefined
      : stack.use(await startDockerApi(join(dir, 'd.sock'), { daemon: docker, ...options.docker }))
  const config = join(dir, 'docker')
  addContext(config, 'near', `unix://${dir}/d.sock`)
  addContext(config, 'gone', `unix://${dir}/g.sock`)
  const kube =
    options.kubernetes === true
      ? stack.use(await startKubeApi({ dir: join(dir, 'kube'), idle: true }))
      : undefined
  const env: Record<string, string> = {
    HOME: join(dir, 'home'),
    DOCKER_CONFIG: config,
    SLIPWAY_ROOT: join(dir, 'root'),
    DOCKER_HOST: `unix://${dir}/d.sock`,
    ...(kube === undefined ? {} : { KUBECONFIG: kube.kubeconfig }),
  }
  let seen = 0
  const owned = stack.move()
  return {
    dir,
    env,
    files: () => new Map([...walk(join(config, 'buildx'), ''), ...walk(config, '', ['config.json'])]),
    age: () => {
      const folder = join(config, 'buildx', 'activity')
      for (const name of existsSync(folder) ? readdirSync(folder) : [])
        writeFileSync(join(folder, name), '2020-01-01T00:00:00Z')
    },
    takeDockerCalls: () => dockerApi?.takeCalls() ?? [],
    takeObjects: () => {
      const changes = kube?.changes.slice(seen) ?? []
      seen = kube?.changes.length ?? 0
      return Object.fromEntries(changes)
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

function addContext(config: string, name: string, host: string): void {
  const id = createHash('sha256').update(name).digest('hex')
  const path = join(config, 'contexts', 'meta', id, 'meta.json')
  mkdirSync(dirname(path), { recursive: true })
  const endpoints = { docker: { Host: host, SkipTLSVerify: false } }
  writeFileSync(path, JSON.stringify({ Name: name, Metadata: {}, Endpoints: endpoints }))
}

const kept = ['instances', 'defaults', 'activity', 'refs', 'current']

function walk(folder: string, below: string, only = kept): [string, string][] {
  if (!existsSync(join(folder, below))) return []
  return readdirSync(join(folder, below), { withFileTypes: true }).flatMap((entry): [string, string][] => {
    const path = below === '' ? entry.name : `${below}/${entry.name}`
    if (below === '' && !only.includes(entry.name)) return []
    return entry.isDirectory() ? walk(folder, path, only) : [[path, readFileSync(join(folder, path), 'utf8')]]
  })
}
