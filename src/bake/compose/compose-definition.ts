import { SlipwayError, wrapError } from '../../errors/slipway-error.ts'
import { bytesSize } from '../../gostd/byte-units.ts'
import { quote } from '../../gostd/quote.ts'
import { compareText } from '../../hcl/value/compare-text.ts'
import { type AttestEntry, canonicalAttest, parseAttestEntry } from '../attrs/attest-entry.ts'
import { parseCacheEntries } from '../attrs/cache-entry.ts'
import { makeSecretEntry, type SecretEntry } from '../attrs/secret-entry.ts'
import { compareSsh, type SshEntry } from '../attrs/ssh-entry.ts'
import { parseUlimit, writeUlimit } from '../../gostd/ulimit.ts'
import type { BakeFile } from '../file-plan.ts'
import type { Definition, Target } from '../target.ts'
import { checkTargetName, sanitizeTargetName } from '../target-name.ts'
import { BuildSection, composePath, secretPath, undecodableText } from './compose-build.ts'
import { checkSchema } from './compose-schema.ts'
import { checkConsistency } from './consistency.ts'
import { type ComposeReadOptions, loadComposeFiles } from './load-compose.ts'
import { envFileProblems, serviceEnvironment } from './service-environment.ts'
import { applyXBake } from './x-bake.ts'
import { isYamlList, isYamlMap, scalarText, type YamlMap, type YamlValue } from './yaml-value.ts'

/** Tells whether a file can be read as compose: it throws otherwise. */
export async function checkComposeFile(file: BakeFile, options: ComposeReadOptions): Promise<void> {
  const { services } = sections(await loadComposeFiles([{ ...file, name: '' }], options))
  const problems = [...services].flatMap(([name, service]) => [
    ...new BuildSection(service.get('build') ?? null, name).problems(options.warn),
    ...envFileProblems(service, name),
  ])
  if (problems.length > 0) throw invalid(undecodableText(problems))
  for (const service of services.values()) await serviceEnvironment(service, options)
}

/** The targets that the services of compose files make: one for each with a `build` section, all in group `default`. */
export async function readComposeDefinition(
  files: readonly BakeFile[],
  options: ComposeReadOptions,
): Promise<Definition> {
  const project = await loadComposeFiles(files, options)
  const { services, secrets } = sections(project)
  if (services.size === 0) return { groups: [], targets: [] }
  checkConsistency(services, secrets)
  const targets: Target[] = []
  for (const [name, service] of [...services].sort((a, b) => compareText(a[0], b[0]))) {
    if (service.get('build') === undefined || service.get('build') === null) continue
    targets.push(await serviceTarget(name, service, secrets, options))
  }
  const isNull = targets.length === 0 ? { isNull: true } : {}
  return {
    groups: [{ name: 'default', description: '', targets: targets.map(t => t.name), ...isNull }],
    targets,
  }
}

interface Sections {
  readonly services: ReadonlyMap<string, YamlMap>
  readonly secrets: ReadonlyMap<string, YamlMap>
}

/** What bake uses of a project. Throws `invalid-argument` where that is not what compose allows. */
function sections(project: YamlMap): Sections {
  const model = new Map<string, YamlMap>()
  const services = project.get('services')
  if (isYamlMap(services)) {
    const used = [...services].filter(([, service]) => service === null || isYamlMap(service))
    model.set('services', new Map(used.map(([name, service]) => [name, usedFields(service)])))
  }
  const secrets = project.get('secrets')
  if (secrets !== undefined) model.set('secrets', secrets as YamlMap)
  if (model.size === 0) throw invalid('empty compose file')
  checkSchema(model)
  return { services: inner(model.get('services')), secrets: inner(model.get('secrets')) }
}

const serviceFields: readonly string[] = ['image', 'build', 'environment', 'env_file']

function usedFields(service: YamlValue): YamlMap {
  return new Map(isYamlMap(service) ? [...service].filter(([k]) => serviceFields.includes(k)) : [])
}

function inner(section: YamlMap | undefined): Map<string, YamlMap> {
  return new Map([...(section ?? [])].map(([k, v]) => [k, isYamlMap(v) ? v : new Map<string, YamlValue>()]))
}

async function serviceTarget(
  service: string,
  config: YamlMap,
  secrets: ReadonlyMap<string, YamlMap>,
  options: ComposeReadOptions,
): Promise<Target> {
  const name = sanitizeTargetName(service)
  try {
    checkTargetName(name)
  } catch (e) {
    throw wrapError(`invalid service name ${quote(name)}`, e)
  }
  const build = new BuildSection(config.get('build') ?? null, service)
  build.problems(options.warn)
  const environment = await serviceEnvironment(config, options)
  const args = new Map<string, string>()
  for (const [k, v] of build.pairs('args')) {
    const value = v ?? environment.get(k) ?? options.lookup(k)
    if (value !== undefined) args.set(k, value)
  }
  const contexts = new Map(
    [...build.pairs('additional_contexts')].map(([k, v]) => [k, composePath(v ?? '', options.home)]),
  )
  const image = config.get('image')
  const tags = build.list('tags')
  const shmSize = build.bytes('shm_size')
  const target: Target = {
    name,
    context: composePath(build.text('context') ?? '.', options.home),
    ...texts('dockerfile', build.text('dockerfile')),
    ...texts('dockerfileInline', build.text('dockerfile_inline')),
    ...(contexts.size === 0 ? {} : { contexts: namedContexts(contexts) }),
    ...(args.size === 0 ? {} : { args }),
    labels: new Map([...build.pairs('labels')].map(([k, v]) => [k, v ?? ''])),
    ...(tags.length > 0 ? { tags } : {}),
    ...lists('cacheFrom', parseCacheEntries(build.list('cache_from'))),
    ...lists('cacheTo', parseCacheEntries(build.list('cache_to'))),
    ...texts('network', build.text('network')),
    ...lists('platforms', build.list('platforms')),
    ...lists('ssh', sshEntries(build.get('ssh'), options.home)),
    ...lists('secrets', secretEntries(build.get('secrets'), secrets, options.home)),
    ...(shmSize > 0 ? { shmSize: bytesSize(shmSize) } : {}),
    ...lists('ulimits', ulimits(build.get('ulimits'))),
    extraHosts: build.hosts('extra_hosts'),
    ...lists('attest', attests(build)),
    ...(build.flag('no_cache') ? { noCache: true } : {}),
    ...(build.flag('pull') ? { pull: true } : {}),
    ...texts('target', build.text('target')),
  }
  const extended = applyXBake(target, build.get('x-bake'), namedContexts)
  return (extended.tags ?? []).length === 0 && typeof image === 'string' && image !== ''
    ? { ...extended, tags: [image] }
    : extended
}

function texts<K extends string>(key: K, value: string | undefined): { [P in K]?: string } {
  return (value === undefined ? {} : { [key]: value }) as { [P in K]?: string }
}

function lists<K extends string, T>(key: K, values: readonly T[]): { [P in K]?: readonly T[] } {
  return (values.length === 0 ? {} : { [key]: values }) as { [P in K]?: readonly T[] }
}

/** `service:x` and `target:x` as links to targets. */
function namedContexts(contexts: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  return new Map(
    [...contexts].map(([k, v]) => [
      k,
      v.replace(/^(?:service|target):([^]*)$/, (_, name: string) => `target:${sanitizeTargetName(name)}`),
    ]),
  )
}

function attests(build: BuildSection): AttestEntry[] {
  const given = (['sbom', 'provenance'] as const).map(type => canonicalAttest(type, build.text(type) ?? ''))
  return given.filter(t => t !== '').map(parseAttestEntry)
}

function sshEntries(value: YamlValue | undefined, home: string): SshEntry[] {
  const pairs: (readonly [string, string])[] = []
  if (isYamlMap(value))
    for (const [id, path] of value) pairs.push([id, path === null ? '' : scalarText(path)])
  else if (isYamlList(value)) {
    for (const entry of value) {
      const text = scalarText(entry)
      const at = text.indexOf('=')
      pairs.push(at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)])
    }
  }
  return pairs
    .map(([id, path]): SshEntry => ({ id, paths: path === '' ? [] : [secretPath(path, home)] }))
    .sort(compareSsh)
}

function secretEntries(
  value: YamlValue | undefined,
  secrets: ReadonlyMap<string, YamlMap>,
  home: string,
): SecretEntry[] {
  if (!isYamlList(value)) return []
  return value.map(entry => {
    const source = isYamlMap(entry) ? scalarText(entry.get('source') ?? '') : scalarText(entry)
    const config = secrets.get(source)
    if (config?.get('external') === true) {
      throw invalid(
        `unsupported external secret ${typeof config.get('name') === 'string' ? scalarText(config.get('name') ?? '') : ''}`,
      )
    }
    const file = config?.get('file')
    const env = config?.get('environment')
    return makeSecretEntry(
      source,
      typeof file === 'string' ? secretPath(file, home) : '',
      typeof env === 'string' ? env : '',
    )
  })
}

function ulimits(value: YamlValue | undefined): string[] {
  if (!isYamlMap(value)) return []
  return [...value]
    .map(([name, limit]) => {
      const soft = isYamlMap(limit) ? scalarText(limit.get('soft') ?? 0n) : scalarText(limit)
      const hard = isYamlMap(limit) ? scalarText(limit.get('hard') ?? 0n) : soft
      return writeUlimit(parseUlimit(`${name}=${soft}:${hard}`))
    })
    .sort(compareText)
}

function invalid(message: string): SlipwayError {
  return new SlipwayError('invalid-argument', message)
}
