/**
 * Where an image is looked for: `default` in the registry, then in the local store; `pull` only in the registry; `local`
 * in the local store, then in the registry. Source: https://github.com/moby/buildkit/blob/v0.32.2/solver/pb/attr.go
 */
export type ResolveMode = 'default' | 'pull' | 'local'

/** The mode that an attribute spells; anything unknown is `default`. */
export function parseResolveMode(text: string | undefined): ResolveMode {
  if (text === 'pull' || text === 'local') return text
  return 'default'
}
