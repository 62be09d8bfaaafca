import { SlipwayError } from '../../errors/slipway-error.ts'
import { ramInBytes } from '../../gostd/byte-units.ts'
import { cleanPath } from '../../hcl/functions/text.ts'
import { asList } from './merge-compose.ts'
import { isYamlList, isYamlMap, scalarText, type YamlMap, type YamlValue } from './yaml-value.ts'

/** Keys that `build` may have; others must begin with `x-`. */
const buildKeys: ReadonlySet<string> = new Set([
  'context',
  'dockerfile',
  'dockerfile_inline',
  'entitlements',
  'args',
  'ssh',
  'labels',
  'cache_from',
  'cache_to',
  'no_cache',
  'no_cache_filter',
  'additional_contexts',
  'network',
  'provenance',
  'sbom',
  'pull',
  'target',
  'shm_size',
  'extra_hosts',
  'isolation',
  'privileged',
  'secrets',
  'tags',
  'ulimits',
  'platforms',
])

/** Reads the fields of a `build` section; every wrong type is refused with its path. */
export class BuildSection {
  readonly #map: YamlMap
  readonly #path: string

  constructor(build: YamlValue, service: string) {
    this.#path = `services.${service}.build`
    if (typeof build === 'string') this.#map = new Map([['context', build]])
    else if (isYamlMap(build)) this.#map = build
    else throw invalid(`${this.#path} must be a string`)
    for (const key of this.#map.keys()) {
      if (!buildKeys.has(key) && !key.startsWith('x-'))
        throw invalid(`${this.#path} additional properties '${key}' not allowed`)
    }
  }

  /** Any field as it was written. */
  get(key: string): YamlValue | undefined {
    return this.#map.get(key)
  }

  /** A text; an empty one counts as absent. */
  text(key: string): string | undefined {
    const value = this.#map.get(key)
    if (value === undefined || value === null || value === '') return undefined
    if (typeof value !== 'string') throw invalid(`${this.#path}.${key} must be a string`)
    return value
  }

  /** A boolean, given as one or as text. */
  flag(key: string): boolean {
    const value = this.#map.get(key)
    if (value === undefined || value === null) return false
    if (typeof value === 'boolean') return value
    if (value === 'true' || value === '1') return true
    if (value === 'false' || value === '0' || value === '') return false
    throw invalid(`${this.#path}.${key} must be a boolean`)
  }

  /** A boolean or text as text. */
  switchText(key: string): string {
    const value = this.#map.get(key)
    return value === undefined ? '' : scalarText(value)
  }

  /** A list of texts; with `single`, one text may stand for it. */
  list(key: string): readonly string[] {
    const value = this.#map.get(key)
    if (value === undefined || value === null) return []
    if (!isYamlList(value)) throw invalid(`${this.#path}.${key} must be a array`)
    return value.map(v => {
      if (typeof v === 'string') return v
      throw invalid(`${this.#path}.${key}.0 must be a string`)
    })
  }

  /** `key=value` pairs from a list or a mapping; `undefined` where a value is left out. */
  pairs(key: string): Map<string, string | undefined> {
    const value = this.#map.get(key)
    const out = new Map<string, string | undefined>()
    if (isYamlMap(value)) {
      for (const [k, v] of value) out.set(k, v === null ? undefined : this.#scalar(`${key}.${k}`, v))
      return out
    }
    if (value === undefined || value === null) return out
    if (!isYamlList(value)) throw invalid(`${this.#path}.${key} must be a mapping`)
    for (const entry of asList(value)) {
      const text = this.#scalar(key, entry)
      const at = text.indexOf('=')
      out.set(at < 0 ? text : text.slice(0, at), at < 0 ? undefined : text.slice(at + 1))
    }
    return out
  }

  #scalar(path: string, v: YamlValue): string {
    if (v !== null && typeof v === 'object') throw invalid(`${this.#path}.${path} must be a string`)
    return scalarText(v)
  }

  /** A number of bytes, given as a number or with a unit. */
  bytes(key: string): number {
    const value = this.#map.get(key)
    if (value === undefined || value === null) return 0
    return typeof value === 'string' ? ramInBytes(value) : Number(value)
  }
}

/** A path of a compose file: cleaned, unless it is a URL or another kind of context. */
export function composePath(path: string, home: string): string {
  if (
    path === '' ||
    path.includes('://') ||
    path.startsWith('service:') ||
    /^(?:github\.com\/|git@)/.test(path)
  )
    return path
  const expanded = path === '~' || path.startsWith('~/') ? home + path.slice(1) : path
  return expanded.startsWith('/') ? expanded : cleanPath(expanded)
}

function invalid(message: string): SlipwayError {
  return new SlipwayError('invalid-argument', message)
}
