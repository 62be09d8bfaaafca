import { abortable } from '../async/abort.ts'
import { type CdiDevice, daemonVersion, type GcRule, listWorkers } from '../buildkit/client/daemon.ts'
import type { DynamicNode, NodeStatus } from '../drivers/driver.ts'
import { asSlipwayError, SlipwayError, wrapError } from '../errors/slipway-error.ts'
import type { Platform } from '../oci/descriptor.ts'
import { uniquePlatforms } from '../oci/platform-list.ts'
import type { Builder, BuilderNode } from './builder.ts'

/** What a node says of itself now. */
export interface NodeState {
  readonly node: BuilderNode
  /** Undefined where it could not be asked. */
  readonly status: NodeStatus | undefined
  readonly version: string
  readonly ids: readonly string[]
  /** The fixed ones first, then what the workers have; each once. */
  readonly platforms: readonly Platform[]
  readonly gcPolicy: readonly GcRule[]
  readonly labels: Readonly<Record<string, string>>
  readonly devices: readonly CdiDevice[]
  readonly error: SlipwayError | undefined
}

/** A builder with the present state of its nodes. */
export interface BuilderState {
  readonly builder: Builder
  readonly nodes: readonly NodeState[]
  /** The nodes are the daemons that were found, not those of the file. */
  readonly dynamic: boolean
}

/**
 * Asks every node of a builder what it is; what fails is noted at the node. Nodes that do not answer while `limit` has
 * not aborted are given up then. Nothing is started.
 */
export async function loadState(builder: Builder, limit: AbortSignal): Promise<BuilderState> {
  const states = await Promise.all(builder.nodes.map(node => nodeState(node, limit)))
  const all = states.flatMap(({ state, daemons }) =>
    daemons.map(daemon => ({
      ...state,
      platforms: daemon.platforms.length > 0 ? daemon.platforms : state.platforms,
    })),
  )
  const dynamic = states.length > 0 && states.every(({ daemons }) => daemons.length > 0)
  return { builder, nodes: dynamic ? all : states.map(({ state }) => state), dynamic }
}

interface Loaded {
  readonly state: NodeState
  readonly daemons: readonly DynamicNode[]
}

async function nodeState(node: BuilderNode, limit: AbortSignal): Promise<Loaded> {
  const empty: NodeState = {
    node,
    status: undefined,
    version: '',
    ids: [],
    platforms: node.platforms,
    gcPolicy: [],
    labels: {},
    devices: [],
    error: node.error,
  }
  const { driver } = node
  if (driver === undefined) return { state: empty, daemons: [] }
  let status: NodeStatus | undefined
  try {
    status = await abortable(driver.status(limit), afterwards(limit))
    if (status !== 'running') return { state: { ...empty, status }, daemons: [] }
    const state = { ...empty, status, ...(await abortable(askDaemon(node, limit), limit)) }
    const daemons = (await driver.dynamicNodes?.(limit)) ?? []
    return { state, daemons }
  } catch (error) {
    const shown = limit.aborted ? noAnswer(node, error) : asSlipwayError(error)
    return { state: { ...empty, status, error: shown }, daemons: [] }
  }
}

/** Drivers hear of the end themselves, and may have an answer all the same; those that do not are not waited for. */
function afterwards(limit: AbortSignal): AbortSignal {
  const late = new AbortController()
  const end = (): void => void setTimeout(() => late.abort(limit.reason), 500).unref()
  if (limit.aborted) end()
  else limit.addEventListener('abort', end, { once: true })
  return late.signal
}

function noAnswer(node: BuilderNode, cause: unknown): SlipwayError {
  const where = node.endpoint === '' ? node.name : node.endpoint
  return new SlipwayError('deadline-exceeded', `${where} does not answer: context deadline exceeded`, {
    cause,
  })
}

type DaemonFacts = Omit<NodeState, 'node' | 'status' | 'error'>

async function askDaemon(node: BuilderNode, signal: AbortSignal): Promise<DaemonFacts> {
  const { driver } = node
  if (driver === undefined) throw new TypeError('a node without driver')
  await using connection = await driver.dial(signal)
  const workers = await listWorkers(connection, signal).catch((error: unknown) => {
    throw wrapError('listing workers', error)
  })
  const [first] = workers
  const version = (await daemonVersion(connection, signal)) ?? (await driver.version?.(signal)) ?? ''
  return {
    version,
    ids: workers.map(worker => worker.id).sort(),
    platforms: uniquePlatforms([...node.platforms, ...workers.flatMap(worker => worker.platforms)]),
    gcPolicy: first?.gcPolicy ?? [],
    labels: first?.labels ?? {},
    devices: workers.flatMap(worker => worker.devices),
  }
}
