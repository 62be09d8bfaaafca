import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { SlipwayError } from '../errors/slipway-error.ts'
import type { JsonValue } from '../gostd/json.ts'

/** Members that provenance has of its own. */
const builtin = ['buildConfig', 'builderPlatform', 'dockerfileVersion', 'platform']

/**
 * What an administrator wants to be said in every provenance: members of all `*.json` files of a directory. Throws
 * `invalid-argument`. Setting `provenanceEnvDir`: https://github.com/moby/buildkit/blob/v0.32.2/docs/buildkitd.toml.md
 */
export function provenanceEnvironment(directory: unknown): Readonly<Record<string, JsonValue>> {
  if (typeof directory !== 'string' || directory === '') return {}
  const names = readdirSync(directory, { withFileTypes: true })
    .flatMap(entry => (!entry.isDirectory() && entry.name.endsWith('.json') ? [entry.name] : []))
    .toSorted()
  const environment: Record<string, JsonValue> = {}
  for (const name of names) Object.assign(environment, readObject(directory, name))
  const taken = builtin.find(key => key in environment)
  if (taken !== undefined) {
    throw new SlipwayError(
      'invalid-argument',
      `key "${taken}" is builtin and not allowed to be modified in provenance config`,
    )
  }
  return environment
}

function readObject(directory: string, name: string): Record<string, JsonValue> {
  try {
    const value: unknown = JSON.parse(readFileSync(join(directory, name), 'utf8'))
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return value as Record<string, JsonValue>
    throw new SlipwayError('invalid-argument', 'not an object')
  } catch (e) {
    throw new SlipwayError(
      'invalid-argument',
      `failed to parse ${name}: ${e instanceof Error ? e.message : String(e)}`,
      {
        cause: e,
      },
    )
  }
}
