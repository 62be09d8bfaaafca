import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A real registry (Debian's docker-registry) on loopback, with its data in a temporary directory. */
export interface DockerRegistry extends AsyncDisposable {
  /** `127.0.0.1:port` */
  readonly host: string
}

/** Where Debian installs the program, or where the tests' set-up unpacked it. */
const program =
  ['/usr/bin', ...(process.env['PATH'] ?? '').split(':')]
    .map(dir => join(dir, 'docker-registry'))
    .find(file => existsSync(file)) ?? ''

/** Why no real registry can be started here, or false. For `skip` of tests. */
export const noDockerRegistry: string | false =
  program !== '' ? false : 'docker-registry is not installed (apt-get install docker-registry)'

/** How the registry is to be. */
export interface DockerRegistryOptions {
  /** Paths of PEM files. */
  readonly tls?: { readonly certificate: string; readonly key: string }
  /** Lines of an htpasswd file (bcrypt): basic authentication. */
  readonly htpasswd?: string
}

/** Starts the registry. It is stopped, and its data removed, on disposal. */
export async function startDockerRegistry(options: DockerRegistryOptions = {}): Promise<DockerRegistry> {
  const directory = await mkdtemp(join(tmpdir(), 'slipway-registry-'))
  const host = `127.0.0.1:${await freePort()}`
  const configuration = {
    version: 0.1,
    log: { level: 'error', accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: join(directory, 'data') }, delete: { enabled: true } },
    http: { addr: host, secret: 'test', ...(options.tls === undefined ? {} : { tls: options.tls }) },
  }
  const path = join(directory, 'config.yml')
  const htpasswd = join(directory, 'htpasswd')
  await writeFile(htpasswd, options.htpasswd ?? '')
  const auth = options.htpasswd === undefined ? {} : { auth: { htpasswd: { realm: 'test', path: htpasswd } } }
  await writeFile(path, JSON.stringify({ ...configuration, ...auth }))
  const child = spawn(program, ['serve', path], { stdio: 'ignore' })
  const stop = async (): Promise<void> => {
    await stopped(child)
    await rm(directory, { recursive: true, force: true })
  }
  try {
    await answering(`${options.tls === undefined ? 'http' : 'https'}://${host}/v2/`, child)
  } catch (error) {
    await stop()
    throw error
  }
  return { host, [Symbol.asyncDispose]: stop }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise(resolve => server.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

/** Any answer will do, and so will a TLS failure: somebody listens. */
async function answering(url: string, child: ChildProcess): Promise<void> {
  for (let i = 0; i < 200; i++) {
    if (child.exitCode !== null) throw new Error(`docker-registry exited with ${child.exitCode}`)
    try {
      await fetch(url)
      return
    } catch (error) {
      const cause = error instanceof Error ? (error.cause as { code?: string } | undefined) : undefined
      if (cause?.code !== undefined && cause.code !== 'ECONNREFUSED') return
      await new Promise(resolve => setTimeout(resolve, 25))
    }
  }
  throw new Error('docker-registry does not answer')
}

async function stopped(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise(resolve => child.once('exit', resolve))
  child.kill('SIGTERM')
  await gone
}
