import { existsSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { SlipwayError } from '../../errors/slipway-error.ts'
import type { Host } from '../host.ts'

/** The page of Docker Desktop about a build (`builder/node/id`). */
export const desktopUrl = (ref: string): string => `docker-desktop://dashboard/build/${ref}`

/** Socket at which Docker Desktop takes records of builds. */
export function desktopSocket(env: Host['env']): string {
  const name = 'docker-desktop-build.sock'
  if (env['WSL_DISTRO_NAME']) return join('/mnt/wsl/docker-desktop/shared-sockets/host-services', name)
  return join(env['HOME'] ?? '/', '.docker/desktop', name)
}

/** Hands a bundle to Docker Desktop; answers the pages of its records. Throws `unavailable` where it does not run. */
export async function importBundle(
  socketPath: string,
  bundle: Readable,
  signal: AbortSignal,
): Promise<readonly string[]> {
  if (!existsSync(socketPath)) {
    throw new SlipwayError('unavailable', 'failed to send request, check if Docker Desktop is running', {
      hint: 'records can be looked at without it: history inspect, history logs',
    })
  }
  const answer = Promise.withResolvers<string>()
  const outgoing = request(
    { socketPath, path: '/upload', method: 'POST', host: 'docker-desktop', signal },
    response => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', answer.reject)
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8')
        if (response.statusCode === 200) answer.resolve(text)
        else answer.reject(new SlipwayError('unknown', `failed to import build: ${text}`))
      })
    },
  )
  outgoing.on('error', answer.reject)
  await pipeline(bundle, outgoing, { signal })
  const refs: unknown = JSON.parse(await answer.promise)
  return Array.isArray(refs) ? refs.map(ref => desktopUrl(`.imported/_/${String(ref)}`)) : []
}
