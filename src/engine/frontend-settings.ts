import { tableOf } from './config-value.ts'

/** Which frontends a builder runs. */
export interface FrontendSettings {
  readonly dockerfile: boolean
  readonly gateway: boolean
  /** Repositories that frontend images may come from; empty for all. */
  readonly allowedRepositories: readonly string[]
}

/** Everything is allowed. */
export const anyFrontend: FrontendSettings = { dockerfile: true, gateway: true, allowedRepositories: [] }

/** Reads `[frontend."…"]` of buildkitd.toml. Source: https://github.com/moby/buildkit/blob/v0.32.2/docs/buildkitd.toml.md */
export function frontendSettings(document: Readonly<Record<string, unknown>>): FrontendSettings {
  const frontends = tableOf(document['frontend'])
  const gateway = tableOf(frontends['gateway.v0'])
  const allowed = gateway['allowedRepositories']
  return {
    dockerfile: tableOf(frontends['dockerfile.v0'])['enabled'] !== false,
    gateway: gateway['enabled'] !== false,
    allowedRepositories: Array.isArray(allowed) ? allowed.filter(one => typeof one === 'string') : [],
  }
}
