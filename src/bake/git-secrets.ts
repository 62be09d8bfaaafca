import type { SecretEntry } from './attrs/secret-entry.ts'
import { gitLocation, isRemoteUrl } from './remote-url.ts'

/**
 * The credentials of BUILDX_BAKE_GIT_AUTH_TOKEN and BUILDX_BAKE_GIT_AUTH_HEADER for the host of a remote definition,
 * given to builds whose context is on the same host. Only names of variables are handled, never their values.
 */
export function gitSecrets(
  remoteUrl: string,
  contextPath: string,
  environmentNames: readonly string[],
): SecretEntry[] {
  const host = gitHost(remoteUrl)
  if (host === undefined || gitHost(contextPath)?.toLowerCase() !== host.toLowerCase()) return []
  return definitionSecrets(remoteUrl, environmentNames)
}

/** The same credentials for reading the definition itself. */
export function definitionSecrets(remoteUrl: string, environmentNames: readonly string[]): SecretEntry[] {
  const host = gitHost(remoteUrl)
  if (host === undefined) return []
  return ['GIT_AUTH_TOKEN', 'GIT_AUTH_HEADER'].flatMap(id => {
    const env = environmentNames.find(n => n.toUpperCase() === `BUILDX_BAKE_${id}`)
    return env === undefined ? [] : [{ id: `${id}.${host}`, env }]
  })
}

function gitHost(url: string): string | undefined {
  const host = isRemoteUrl(url) ? gitLocation(url)?.host : undefined
  return host === '' ? undefined : host
}
