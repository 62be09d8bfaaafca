import { SlipwayError } from '../../errors/slipway-error.ts'
import type { BakeFile } from '../file-plan.ts'
import { decodeSource } from '../../hcl/syntax/source-text.ts'
import { canonicalCompose } from './canonical.ts'
import { includesOf } from './include-compose.ts'
import { interpolate, type Lookup } from './interpolate.ts'
import { clearPaths, mergeCompose } from './merge-compose.ts'
import { parseYamlDocuments } from '../yaml/parse-documents.ts'
import { resolveScalar } from '../yaml/resolve-scalar.ts'
import { parseComposeYaml } from './parse-yaml.ts'
import { folderOf, joinPath, rebase } from './relative-paths.ts'
import { isYamlMap, scalarText, type YamlMap, type YamlValue } from './yaml-value.ts'

/** What compose files are loaded with. */
export interface ComposeOptions {
  /** Variables for interpolation and for values that are left to the environment. */
  readonly lookup: Lookup
  /** Reads a file that another one names (`extends`, `include`, `env_file`); `undefined` when there is none. */
  readonly readFile: (path: string) => Promise<Uint8Array | undefined>
  /** Takes what the user is to be warned of, one line each. */
  readonly warn?: (line: string) => void
}

/** What the services of compose files are read with. */
export interface ComposeReadOptions extends ComposeOptions {
  /** The home folder, which `~` in paths stands for. */
  readonly home: string
}

const maxNesting = 20

/** Loads compose files as one project: interpolated, with includes and extensions resolved, later files over earlier ones. */
export async function loadComposeFiles(
  files: readonly BakeFile[],
  options: ComposeOptions,
): Promise<YamlMap> {
  const named = { ...options, lookup: withProjectName(files, options.lookup) }
  let merged: YamlMap = new Map()
  for (const file of files) merged = await loadFile(file, merged, named, { folder: '', chain: [''] })
  if (merged.size === 0) throw new SlipwayError('invalid-argument', 'empty compose file')
  return merged
}

/** COMPOSE_PROJECT_NAME is the name that a file gives the project, that of the environment, or `bake`. */
function withProjectName(files: readonly BakeFile[], lookup: Lookup): Lookup {
  const given = files.flatMap(givenNames).at(-1)
  const name = given === undefined ? '' : interpolatedName(given, lookup)
  const environment = lookup('COMPOSE_PROJECT_NAME') ?? ''
  const project = name !== '' ? name : environment !== '' ? environment : 'bake'
  const named = (key: string): string | undefined => (key === 'COMPOSE_PROJECT_NAME' ? project : lookup(key))
  const { missing, warn } = lookup
  return Object.assign(named, missing === undefined ? {} : { missing }, warn === undefined ? {} : { warn })
}

function interpolatedName(given: string, lookup: Lookup): string {
  const { name = '' } = Object.fromEntries(interpolate(new Map([['name', given]]), lookup) as YamlMap)
  return scalarText(name)
}

/** Names that the documents of a file give the project, as far as they can be read: what is wrong is told later. */
function givenNames({ data }: BakeFile): string[] {
  const names: string[] = []
  try {
    for (const root of parseYamlDocuments(decodeSource(data))) {
      const pairs = root.kind === 'mapping' ? root.pairs : []
      const keys = pairs.map(([key]) => (key.kind === 'scalar' ? key.value : ''))
      if (new Set(keys).size < keys.length) break
      for (const [key, node] of pairs) {
        const value = node.kind === 'alias' ? node.target : node
        if (key.kind !== 'scalar' || key.value !== 'name' || value.kind !== 'scalar') continue
        if (value.value !== '' && resolveScalar(value) !== null) names.push(value.value)
      }
    }
  } catch {
    // The file is read once more.
  }
  return names
}

/** Where a document stands: what its paths are relative to, and the files that include it, outermost first. */
interface Place {
  /** Empty for the working directory. */
  readonly folder: string
  readonly chain: readonly string[]
}

async function loadFile(
  file: BakeFile,
  before: YamlMap,
  options: ComposeOptions,
  place: Place,
): Promise<YamlMap> {
  let merged = before
  for (const { value, cleared } of parseComposeYaml(decodeSource(file.data), file.name)) {
    if (!isYamlMap(value)) throw new SlipwayError('invalid-argument', 'top-level object must be a mapping')
    const own = interpolate(value, options.lookup) as YamlMap
    let document = place.folder === '' ? own : rebase(canonicalCompose(own, options.warn), place.folder)
    document = await applyIncludes(document, options, place)
    document = await applyExtends(document, file.name, options)
    merged = canonicalCompose(mergeCompose(clearPaths(merged, cleared), document), options.warn)
  }
  return merged
}

async function applyIncludes(document: YamlMap, options: ComposeOptions, place: Place): Promise<YamlMap> {
  let out: YamlMap = new Map([...document].filter(([k]) => k !== 'include'))
  for (const { files, folder, lookup } of await includesOf(document, place.folder, options)) {
    const [main = ''] = files
    const chain = [...place.chain, main]
    if (main !== '' && place.chain.includes(main)) throw includeCycle(chain)
    let included: YamlMap = new Map()
    for (const name of files) {
      const data = await readOrFail(name, options)
      included = await loadFile({ name, data }, included, { ...options, lookup }, { folder, chain })
    }
    out = mergeCompose(included, out)
  }
  return out
}

function includeCycle(chain: readonly string[]): SlipwayError {
  const lines = chain.slice(1).map(file => `\n include ${file}`)
  return new SlipwayError('invalid-argument', `include cycle detected:\n${chain[0] ?? ''}${lines.join('')}`)
}

async function readOrFail(path: string, options: ComposeOptions): Promise<Uint8Array> {
  const data = await options.readFile(path)
  if (data === undefined) throw new SlipwayError('not-found', `open ${path}: no such file or directory`)
  return data
}

/** Replaces `extends` in services by what the extended service says. */
async function applyExtends(document: YamlMap, filename: string, options: ComposeOptions): Promise<YamlMap> {
  const services = document.get('services')
  if (services === undefined) return document
  if (!isYamlMap(services)) throw new SlipwayError('invalid-argument', 'services must be a mapping')
  const out = new Map<string, YamlValue>()
  for (const [name, service] of services)
    out.set(name, await extended(name, service, services, filename, options, [`${name} in ${filename}`]))
  return new Map(document).set('services', out)
}

async function extended(
  name: string,
  service: YamlValue,
  services: YamlMap,
  filename: string,
  options: ComposeOptions,
  path: readonly string[],
): Promise<YamlValue> {
  if (service !== null && !isYamlMap(service))
    throw new SlipwayError('invalid-argument', `services.${name} must be a mapping`)
  if (service === null) return service
  const rule = service.get('extends')
  if (rule === undefined) return service
  const baseName = isYamlMap(rule) ? rule.get('service') : typeof rule === 'string' ? rule : ''
  const file = isYamlMap(rule) ? rule.get('file') : undefined
  if (typeof baseName !== 'string')
    throw new SlipwayError('invalid-argument', `extends.${name}.service is required`)
  const source = typeof file === 'string' ? joinPath('', file) : filename
  const key = `${baseName} in ${source}`
  if (path.includes(key) || path.length > maxNesting) {
    throw new SlipwayError(
      'invalid-argument',
      [
        'Circular reference:',
        `  ${path[0] ?? key}`,
        ...[...path.slice(1), key].map(p => `  extends ${p}`),
      ].join('\n'),
    )
  }
  const others = typeof file === 'string' ? await servicesOf(source, options) : services
  const base = others.get(baseName)
  if (base === undefined) {
    throw new SlipwayError(
      'not-found',
      `cannot extend service ${JSON.stringify(name)} in ${filename}: service ${JSON.stringify(baseName)} not found${typeof file === 'string' ? ` in ${source}` : ''}`,
    )
  }
  const resolved = await extended(baseName, base, others, source, options, [...path, key])
  const own = new Map([...service].filter(([k]) => k !== 'extends'))
  if (!isYamlMap(resolved)) return own
  return mergeCompose(resolved, own, ['services', name])
}

async function servicesOf(file: string, options: ComposeOptions): Promise<YamlMap> {
  const data = await readOrFail(file, options)
  const [first] = parseComposeYaml(decodeSource(data), file)
  const document = first === undefined ? null : interpolate(first.value, options.lookup)
  const based = isYamlMap(document) ? rebase(canonicalCompose(document), folderOf(file)) : undefined
  const services = based?.get('services')
  return isYamlMap(services) ? services : new Map()
}
