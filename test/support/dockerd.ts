import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { peerDirs, peerPath } from '../../scripts/setup/peers.ts'
import { run, type RunOptions, tryRun } from '../../scripts/setup/run.ts'
import { type Background, startBackground } from './background.ts'

/** A docker daemon of the test's own, with nothing of the machine's. */
export interface Dockerd extends AsyncDisposable {
  /** `unix://…`, for DOCKER_HOST. */
  readonly host: string
  readonly pid: number
  /** Environment in which `docker` and buildx talk to it, with an empty configuration folder. */
  readonly env: NodeJS.ProcessEnv
  /** Runs the docker command line; throws when it fails. */
  docker(...args: string[]): Promise<string>
  /**
   * What a container without a network prints, to its end; the arguments are those of `docker create`. (`docker run` now and
   * then loses the words of a program that ends before the client listens.) Throws when it fails.
   */
  printed(...args: string[]): Promise<string>
}

/** What to start. */
export interface DockerdOptions {
  /** Scratch folder: short, since sockets lie in it. */
  readonly dir: string
  /** Registries (`host:port`) that serve as mirrors of docker.io, over plain HTTP. */
  readonly mirrors?: readonly string[]
  /** Use containerd's image store, which holds multi-platform images. */
  readonly containerdStore?: boolean
}

/** Starts a dockerd out of the unpacked peers. Needs root. */
export async function startDockerd(options: DockerdOptions): Promise<Dockerd> {
  const program = peerPath('dockerd')
  const client = peerPath('docker')
  if (program === undefined || client === undefined) throw new Error('docker is not unpacked: run npm test')
  const { dir } = options
  await mkdir(join(dir, 'config'), { recursive: true })
  const init = peerPath('docker-init')
  const settings = {
    ...(init === undefined ? {} : { 'init-path': init }),
    'registry-mirrors': (options.mirrors ?? []).map(host => `http://${host}`),
    features: { 'containerd-snapshotter': options.containerdStore === true },
  }
  await writeFile(join(dir, 'daemon.json'), JSON.stringify(settings))
  const host = `unix://${join(dir, 'docker.sock')}`
  const path = [...peerDirs(), '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'].join(':')
  const env = { ...process.env, PATH: path, DOCKER_HOST: host, DOCKER_CONFIG: join(dir, 'config') }
  const command = [
    program,
    ['--config-file', join(dir, 'daemon.json')],
    ['--data-root', join(dir, 'data')],
    ['--exec-root', join(dir, 'exec')],
    ['--pidfile', join(dir, 'docker.pid')],
    ['--host', host],
    ['--iptables=false', '--ip6tables=false', '--bridge=none'],
  ].flat() as [string, ...string[]]
  const answers = async (): Promise<boolean> => (await tryRun([client, 'version'], { env })).code === 0
  const server: Background = await startBackground(command, {
    env,
    ready: answers,
    timeout: 60_000,
    grace: 20_000,
  })
  const docker: Dockerd['docker'] = (...args) => run([client, ...args], { env } satisfies RunOptions)
  return {
    host,
    pid: server.pid,
    env,
    docker,
    async printed(...args) {
      const id = (await docker('create', '--network=none', ...args)).trim()
      await docker('start', id)
      const code = (await docker('wait', id)).trim()
      const text = await docker('logs', id)
      await docker('rm', id)
      if (code !== '0') throw new Error(`docker run ${args.join(' ')} ended with ${code}:\n${text}`)
      return text
    },
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]()
      // It stays mounted where a container had the network of the machine.
      await tryRun(['umount', join(dir, 'exec', 'netns', 'default')])
    },
  }
}
