import { SlipwayError } from '../../errors/slipway-error.ts'
import { ramInBytes } from '../../gostd/byte-units.ts'
import { cleanPath } from '../../hcl/functions/text.ts'
import { compareText } from '../../hcl/value/compare-text.ts'
import { isYamlList, isYamlMap, scalarText, type YamlMap, type YamlValue, yamlFlag } from './yaml-value.ts'

/** Reads the fields of a `build` section whose shape was checked before; values that do not decode are refused. */
export class BuildSection {
  readonly #map: YamlMap
  readonly #service: string

  constructor(build: YamlValue, service: string) {
    this.#service = service
    this.#map = isYamlMap(build) ? build : new Map()
  }

  /** Any field as it was written. */
  get(key: string): YamlValue | undefined {
    return this.#map.get(key)
  }

  /** A text; an empty one counts as absent. */
  text(key: string): string | undefined {
    const value = this.#map.get(key)
    return typeof value === 'string' && value !== '' ? value : undefined
  }

  /** A boolean, given as one or as text. */
  flag(key: string, warn?: (line: string) => void): boolean {
    const value = this.#map.get(key)
    const flag = yamlFlag(value ?? false, warn)
    if (flag === undefined) throw this.#undecodable(key, `invalid boolean: ${scalarText(value ?? null)}`)
    return flag
  }

  /** A list of texts. */
  list(key: string): readonly string[] {
    const value = this.#map.get(key)
    return isYamlList(value) ? value.map(scalarText) : []
  }

  /** `key=value` pairs from a list or a mapping; `undefined` where a value is left out. */
  pairs(key: string): Map<string, string | undefined> {
    const value = this.#map.get(key)
    if (isYamlMap(value))
      return new Map([...value].map(([k, v]) => [k, v === null ? undefined : scalarText(v)]))
    return new Map(
      (isYamlList(value) ? value : []).map((entry): [string, string | undefined] => {
        const text = scalarText(entry)
        const at = text.indexOf('=')
        return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)]
      }),
    )
  }

  /** A number of bytes, given as a number or with a unit. */
  bytes(key: string): number {
    const value = this.#map.get(key)
    if (typeof value !== 'string') return Number(value ?? 0)
    try {
      return ramInBytes(value)
    } catch (e) {
      throw this.#undecodable(key, e instanceof Error ? e.message : String(e))
    }
  }

  /** Addresses by host name; several of one host are joined by commas. */
  hosts(key: string): ReadonlyMap<string, string> {
    const value = this.#map.get(key)
    const hosts = new Map<string, string[]>()
    const add = (host: string, ips: readonly string[]): void =>
      void hosts.set(host, [...(hosts.get(host) ?? []), ...ips.map(ip => ip.replace(/^\[(.+)\]$/, '$1'))])
    if (isYamlMap(value)) {
      for (const [host, ips] of value) add(host, isYamlList(ips) ? ips.map(scalarText) : [scalarText(ips)])
    } else if (isYamlList(value)) {
      for (const text of value.map(scalarText)) {
        const at = text.includes('=') ? text.indexOf('=') : text.indexOf(':')
        if (at < 0) throw this.#undecodable(key, `invalid additional host, missing IP: ${text}`)
        add(text.slice(0, at), text.slice(at + 1).split(','))
      }
    }
    for (const host of hosts.keys())
      if (/^$|[:=]/.test(host)) throw this.#undecodable(key, `bad host name '${host}'`)
    return new Map([...hosts].map(([host, ips]) => [host, ips.join(',')]))
  }

  /** What is wrong with fields that do not decode. */
  problems(warn?: (line: string) => void): readonly string[] {
    const decodings = [
      ...['no_cache', 'pull', 'privileged'].map(key => () => this.flag(key, warn)),
      () => this.bytes('shm_size'),
      () => this.hosts('extra_hosts'),
    ]
    return decodings.flatMap(decode => {
      try {
        decode()
        return []
      } catch (error) {
        if (error instanceof Undecodable) return [error.problem]
        throw error
      }
    })
  }

  #undecodable(key: string, problem: string): Undecodable {
    return new Undecodable(`'services[${this.#service}].build.${key}' ${problem}`)
  }
}

/** Thrown for a field that does not decode. */
class Undecodable extends SlipwayError {
  readonly problem: string

  constructor(problem: string) {
    super('invalid-argument', undecodableText([problem]))
    this.problem = problem
  }
}

/** The error that tells of all fields that do not decode. */
export function undecodableText(problems: readonly string[]): string {
  return ['decoding failed due to the following error(s):\n', ...[...problems].sort(compareText)].join('\n')
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
  return filePath(path, home)
}

/** A path of a secret or a key: as of any file, but one of Windows stays as it is. */
export function secretPath(path: string, home: string): string {
  return /^[a-z]:[\\/]/i.test(path) ? path : filePath(path, home)
}

/** A path of a file: `~` at its beginning is the home folder, a relative path is cleaned. */
export function filePath(path: string, home: string): string {
  if (path === '' || path.startsWith('/')) return path
  return cleanPath(path.startsWith('~') && home !== '' ? `${home}/${path.slice(1)}` : path)
}
