import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { peerPath } from '../../scripts/setup/peers.ts'
import { findProgram } from '../../scripts/setup/programs.ts'
import { startBackground } from './background.ts'

/** A registry on loopback (Debian's docker-registry), plain HTTP. */
export interface Registry extends AsyncDisposable {
  /** `127.0.0.1:port`. */
  readonly host: string
  /** Requests so far: method, path and status of each, in order. */
  readonly requests: () => readonly string[]
}

/** What to start. */
export interface RegistryOptions {
  /** Folder for the settings file. */
  readonly dir: string
  /** Folder of the stored images; `dir`/data if absent. */
  readonly storage?: string
  /** Refuse pushes. */
  readonly readOnly?: boolean
  /** File in htpasswd form (bcrypt): asks for basic authentication. */
  readonly htpasswd?: string
}

/** Path of the registry program, installed or unpacked; undefined where there is none. */
export function registryProgram(): string | undefined {
  return findProgram('docker-registry') ?? peerPath('docker-registry')
}

/** Starts a registry on a free port. */
export async function startRegistry(options: RegistryOptions): Promise<Registry> {
  const program = registryProgram()
  if (program === undefined)
    throw new Error('docker-registry is neither installed nor unpacked: run npm test')
  const storage = options.storage ?? join(options.dir, 'data')
  await mkdir(storage, { recursive: true })
  await mkdir(options.dir, { recursive: true })
  const settings = {
    version: 0.1,
    log: { level: 'info', accesslog: { disabled: false } },
    storage: {
      filesystem: { rootdirectory: storage, maxthreads: 100 },
      delete: { enabled: true },
      maintenance: { uploadpurging: { enabled: false }, readonly: { enabled: options.readOnly === true } },
    },
    http: { addr: '127.0.0.1:0' },
    ...(options.htpasswd === undefined
      ? {}
      : { auth: { htpasswd: { realm: 'test', path: options.htpasswd } } }),
  }
  const file = join(options.dir, 'registry.json')
  await writeFile(file, JSON.stringify(settings)) // JSON is YAML
  const listening = /listening on 127\.0\.0\.1:(\d+)/
  const server = await startBackground([program, 'serve', file], { ready: output => listening.test(output) })
  const port = listening.exec(server.output())?.[1] ?? ''
  return {
    host: `127.0.0.1:${port}`,
    requests: () => {
      const lines = server.output().matchAll(/"(GET|HEAD|POST|PUT|PATCH|DELETE) (\S+) HTTP\/1\.1" (\d+)/g)
      return [...lines].map(([, method, path, status]) => `${method} ${path} ${status}`)
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}
