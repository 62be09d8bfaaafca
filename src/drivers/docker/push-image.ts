import { parseReference, withDefaultTag } from '../../oci/reference.ts'
import type { StatusWriter } from '../../status/solve-status.ts'
import { bootStep } from '../boot-step.ts'
import type { DockerApi } from './docker-api.ts'
import { readMessages } from './load-image.ts'
import { type AuthSurroundings, registryAuth } from './registry-auth.ts'

/**
 * Makes docker push an image of its store, shown as `pushing NAME with docker`. Answers the digest in the registry where
 * docker tells it. Throws what docker says.
 */
export async function pushImage(
  api: DockerApi,
  name: string,
  surroundings: AuthSurroundings,
  write: StatusWriter,
  signal: AbortSignal,
): Promise<string | undefined> {
  return await bootStep(write, `pushing ${name} with docker`, async step => {
    const { domain, path, tag } = withDefaultTag(parseReference(name))
    const auth = await registryAuth(domain, surroundings, signal)
    const repository = domain === 'docker.io' ? path.replace(/^library\//, '') : `${domain}/${path}`
    const answer = await api.call(`/images/${repository}/push`, {
      method: 'POST',
      query: { tag },
      headers: { 'x-registry-auth': auth ?? Buffer.from('{}').toString('base64url') },
      signal,
    })
    let digest: string | undefined
    const started = Date.now()
    await readMessages(answer.body, ({ id, status, progressDetail, aux }) => {
      digest = aux?.Digest ?? digest
      if (id === undefined || progressDetail?.current === undefined) return
      step.row(`${status ?? ''} ${id}`.trim(), progressDetail.current, progressDetail.total ?? 0, started)
    })
    return digest
  })
}
