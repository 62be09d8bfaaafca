import { npmPeerScript } from '../../scripts/setup/npm-peers.ts'
import { startBackground } from './background.ts'

/** Microsoft's stand-in for Azure's blob storage, on loopback. */
export interface Azurite extends AsyncDisposable {
  /** Attributes of a cache in a container of it, for the command line. */
  readonly attributes: Readonly<Record<string, string>>
  /** Requests so far: `METHOD path status`. */
  readonly requests: () => readonly string[]
}

/** Starts one whose blobs lie in `dir`. */
export async function startAzurite(dir: string): Promise<Azurite> {
  const script = npmPeerScript('azurite')
  if (script === undefined) throw new Error('azurite is not installed: run npm test')
  const secret_access_key = Buffer.from('a key for tests').toString('base64')
  const flags = [
    '--disableProductStyleUrl',
    '--disableTelemetry',
    '--blobHost',
    '127.0.0.1',
    '--blobPort',
    '0',
  ]
  const listening = /successfully listens on http:\/\/127\.0\.0\.1:(\d+)/
  const server = await startBackground([process.execPath, script, ...flags, '--location', dir], {
    env: { ...process.env, AZURITE_ACCOUNTS: `tests:${secret_access_key}` },
    ready: output => listening.test(output),
  })
  const port = listening.exec(server.output())?.[1] ?? ''
  return {
    attributes: {
      account_url: `http://127.0.0.1:${port}/tests`,
      account_name: 'tests',
      secret_access_key,
      container: 'caches',
    },
    requests: () => {
      const lines = server.output().matchAll(/"(GET|HEAD|PUT|DELETE) (\S+) HTTP\/1\.1" (\d+)/g)
      return [...lines].map(([, method, path, status]) => `${method} ${path} ${status}`)
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}
