import { SlipwayError, wrapError } from '../errors/slipway-error.ts'
import type { Builder, BuilderNode } from './builder.ts'
import { type BuilderHost, openPlaces } from './builder-host.ts'
import { openStore } from './builder-store.ts'
import { findBuilder, resolveBuilder, storedBuilders } from './resolve-builder.ts'
import { loadState } from './node-state.ts'

/** What of a builder stays behind. */
export interface RemoveOptions {
  readonly keepState: boolean
  readonly keepDaemon: boolean
  /** Aborts when nodes have had their time. */
  readonly limit: AbortSignal
  readonly signal: AbortSignal
}

/**
 * Stops and removes the nodes of a builder, then its file; the file goes even where a node cannot be reached, which is
 * thrown then. Throws `not-found`, `invalid-argument` in buildx's words.
 */
export async function removeBuilder(host: BuilderHost, name: string, options: RemoveOptions): Promise<void> {
  const found = await findBuilder(host, name, options.signal)
  if (!found.isStored) {
    const isContext = openPlaces(host).contexts.names.includes(found.name)
    throw new SlipwayError(
      'invalid-argument',
      isContext
        ? `context builder cannot be removed, run \`docker context rm ${found.name}\` to remove this context`
        : 'the embedded engine cannot be removed',
    )
  }
  const builder = await resolveBuilder(host, name, { signal: options.signal })
  await removeNodes(host, builder, options)
}

async function removeNodes(host: BuilderHost, builder: Builder, options: RemoveOptions): Promise<void> {
  const failures = options.keepDaemon
    ? []
    : builder.error !== undefined
      ? [builder.error]
      : (await Promise.all(builder.nodes.map(node => removeNode(node, options)))).flat()
  const { dir } = openPlaces(host)
  {
    using store = await openStore(dir, options.signal)
    store.remove(builder.name)
  }
  const [first] = failures
  if (first === undefined) return
  throw new SlipwayError(first.code, failures.map(failure => failure.message).join('\n'), { cause: first })
}

async function removeNode(node: BuilderNode, options: RemoveOptions): Promise<readonly SlipwayError[]> {
  const { driver, error } = node
  if (driver === undefined) {
    return error === undefined ? [] : [wrapError(`failed to load node ${node.name}`, error)]
  }
  const failures: SlipwayError[] = []
  try {
    await driver.stop({ force: true }, options.limit)
  } catch (e) {
    failures.push(wrapError(`failed to stop node ${node.name}`, e))
  }
  try {
    const { keepState, keepDaemon } = options
    await driver.remove({ force: true, keepState, keepDaemon }, options.limit)
  } catch (e) {
    failures.push(wrapError(`failed to remove node ${node.name}`, e))
  }
  return failures
}

/**
 * Removes every stored builder none of whose nodes runs; `onRemoved` is told of each. Throws the first failure when all
 * have been looked at.
 */
export async function removeInactiveBuilders(
  host: BuilderHost,
  options: RemoveOptions,
  onRemoved: (name: string) => void,
): Promise<void> {
  const builders = await storedBuilders(host, options.signal)
  const results = await Promise.allSettled(
    builders.map(async builder => {
      if (builder.error !== undefined) throw wrapError(`cannot load ${builder.name}`, builder.error)
      const state = await loadState(builder, options.limit)
      if (state.dynamic || state.nodes.some(node => node.status === 'running')) return
      await removeNodes(host, builder, options).finally(() => onRemoved(builder.name))
    }),
  )
  const failed = results.find(result => result.status === 'rejected')
  if (failed !== undefined) throw failed.reason
}
