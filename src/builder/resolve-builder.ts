import { SlipwayError } from '../errors/slipway-error.ts'
import type { Builder } from './builder.ts'
import { type BuilderHost, type BuilderPlaces, openPlaces } from './builder-host.ts'
import { isBuilderName } from './builder-name.ts'
import { type BrokenInstance, openStore, type StoreTransaction } from './builder-store.ts'
import { embeddedName, loadContext, loadEmbedded, loadGroup } from './load-builder.ts'
import type { NodeGroup } from './node-group.ts'

/** How a builder is looked for. */
export interface ResolveOptions {
  readonly signal: AbortSignal
  /** Equal for builds of one project. */
  readonly contextKey?: string
  /** Note that the builder is used now. */
  readonly touch?: boolean
  /** Refuse the builder of a docker context that is not in use: builds would go to one and images to the other. */
  readonly validate?: boolean
  /** A named docker context whose daemon does not answer is a builder with an error. */
  readonly acceptsBroken?: boolean
}

/**
 * The builder of a name; the current one for an empty name: what `use` chose for the present docker endpoint, else the
 * docker context's where a daemon answers, else the embedded engine. Nothing is started. Throws `not-found`
 * (`no builder "x" found`), and what keeps a docker context from being used where that is named.
 */
export async function resolveBuilder(
  host: BuilderHost,
  name: string,
  options: ResolveOptions,
): Promise<Builder> {
  const places = openPlaces(host)
  const found = await lookUp(places, name, options)
  const load = { lastActivity: found.lastActivity, contextKey: options.contextKey ?? '' }
  if (found.group !== undefined) return await loadGroup(found.group, places, load)
  if (found.name === embeddedName && !places.contexts.names.includes(embeddedName)) {
    return await loadEmbedded(embeddedName, places, load)
  }
  if (options.validate === true) checkContext(found.name, places)
  const builder = await loadContext(found.name, places, load, options.signal)
  if (builder.error === undefined) return builder
  if (name !== '' && name !== 'default') {
    if (options.acceptsBroken === true) return builder
    throw builder.error
  }
  return await loadEmbedded(standIn(builder, places), places, load)
}

function checkContext(name: string, { contexts }: BuilderPlaces): void {
  if (name === contexts.current || !contexts.names.includes(name)) return
  throw new SlipwayError(
    'failed-precondition',
    `use \`docker --context=${name} buildx\` to switch to context ${JSON.stringify(name)}`,
    { hint: `or set DOCKER_CONTEXT=${name}` },
  )
}

/** The name of the embedded engine where it stands in for a docker context that does not answer. */
function standIn(builder: Builder, { contexts, host }: BuilderPlaces): string {
  if (contexts.isChosen && builder.error !== undefined) {
    host.warn(`WARNING: ${builder.error.message}`)
    host.warn(`WARNING: the docker context ${builder.name} cannot be used: building with the embedded engine`)
  }
  return builder.name === 'default' ? 'default' : embeddedName
}

interface Found {
  readonly name: string
  readonly group: NodeGroup | undefined
  readonly lastActivity: number | undefined
}

async function lookUp(places: BuilderPlaces, name: string, options: ResolveOptions): Promise<Found> {
  const { contexts, dir, host } = places
  using store = await openStore(dir, options.signal)
  const asked = name === '' && choseEmbedded(store, contexts.currentEndpoint) ? embeddedName : name
  const group =
    asked === ''
      ? store.current(contexts.currentEndpoint)
      : isBuilderName(asked)
        ? store.get(asked)
        : undefined
  const found = group?.name ?? (asked === '' ? contexts.current : asked)
  if (group === undefined && found !== embeddedName && !contexts.names.includes(found)) {
    throw notFound(found, places)
  }
  const lastActivity = store.lastActivity(found)
  if (options.touch === true) store.touch(found, host.now())
  return { name: found, group, lastActivity }
}

function notFound(name: string, { contexts }: BuilderPlaces): SlipwayError {
  const hint =
    contexts.missing !== undefined && name === contexts.current
      ? `${contexts.missing.message}: see \`docker context ls\``
      : 'see `slipway ls` for the builders there are'
  return new SlipwayError('not-found', `no builder ${JSON.stringify(name)} found`, { hint })
}

/** What a name stands for, without looking at the builder itself. Throws `not-found`. */
export async function findBuilder(
  host: BuilderHost,
  name: string,
  signal: AbortSignal,
): Promise<{ readonly name: string; readonly isStored: boolean }> {
  const found = await lookUp(openPlaces(host), name, { signal })
  return { name: found.name, isStored: found.group !== undefined }
}

/** Whether `use` chose the embedded engine, which is in no file. */
const choseEmbedded = (store: StoreTransaction, key: string): boolean =>
  store.chosenName(key) === embeddedName

/** All builders, and which of them is used when none is named. */
export interface BuilderList {
  readonly builders: readonly Builder[]
  readonly current: string
}

/** The stored builders alone, by name. Nothing is started. */
export async function storedBuilders(host: BuilderHost, signal: AbortSignal): Promise<readonly Builder[]> {
  const places = openPlaces(host)
  const { stored, activity } = await readStore(places, signal)
  return await Promise.all(stored.map(one => loadStored(one, places, activity)))
}

async function loadStored(
  one: NodeGroup | BrokenInstance,
  places: BuilderPlaces,
  activity: ReadonlyMap<string, number | undefined>,
): Promise<Builder> {
  if ('error' in one) return brokenBuilder(one)
  return await loadGroup(one, places, { lastActivity: activity.get(one.name) })
}

/** Every builder: the stored ones by name, those of docker contexts, the embedded engine. Nothing is started. */
export async function listBuilders(host: BuilderHost, signal: AbortSignal): Promise<BuilderList> {
  const places = openPlaces(host)
  const { contexts } = places
  const { stored, chosen, activity } = await readStore(places, signal)
  const names = new Set(stored.map(one => one.name))
  const groups = stored.map(one => loadStored(one, places, activity))
  const ofContexts = contexts.names
    .filter(name => !names.has(name))
    .map(name => loadContext(name, places, { lastActivity: activity.get(name) }, signal))
  const builders = await Promise.all([...groups, ...ofContexts])
  let current = chosen ?? contexts.current
  if (contexts.missing !== undefined && chosen === undefined) throw notFound(current, places)
  const unreachable = builders.find(b => b.isContext && b.name === current)
  const embedded = { lastActivity: activity.get(embeddedName) }
  const isStandIn = unreachable?.error !== undefined && chosen === undefined
  if (isStandIn && current !== 'default') current = embeddedName
  const all = await Promise.all(
    builders.map(async builder => {
      if (!builder.isContext || builder.name !== 'default' || builder.error === undefined) return builder
      const standing = await loadEmbedded('default', places, { lastActivity: builder.lastActivity })
      return contexts.isChosen && contexts.current === 'default'
        ? { ...standing, standsInFor: builder.error }
        : standing
    }),
  )
  const isListed =
    names.has(embeddedName) || (chosen !== embeddedName && all.some(b => b.driverName === 'embedded'))
  return {
    builders: isListed ? all : [...all, await loadEmbedded(embeddedName, places, embedded)],
    current,
  }
}

async function readStore(
  { dir, contexts }: BuilderPlaces,
  signal: AbortSignal,
): Promise<{
  readonly stored: readonly (NodeGroup | BrokenInstance)[]
  readonly chosen: string | undefined
  readonly activity: ReadonlyMap<string, number | undefined>
}> {
  using store = await openStore(dir, signal)
  const stored = store.list()
  const names = [...stored.map(one => one.name), ...contexts.names, embeddedName]
  const activity = new Map(names.map(name => [name, store.lastActivity(name)]))
  let chosen: string | undefined
  try {
    chosen = choseEmbedded(store, contexts.currentEndpoint)
      ? embeddedName
      : store.current(contexts.currentEndpoint)?.name
  } catch {
    // The file of the chosen builder is broken: the list shows that.
  }
  return { stored, chosen, activity }
}

function brokenBuilder({ name, error }: BrokenInstance): Builder {
  return { name, driverName: '', nodes: [], isContext: false, dynamic: false, lastActivity: undefined, error }
}
