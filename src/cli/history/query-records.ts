import type { BuilderNode } from '../../builder/builder.ts'
import { bootNodes } from '../../builder/boot-nodes.ts'
import { openPlaces } from '../../builder/builder-host.ts'
import { type BuildState, readBuildState } from '../../builder/local-state.ts'
import { resolveBuilder } from '../../builder/resolve-builder.ts'
import { type BuildHistoryRecord, listHistory } from '../../buildkit/client/history.ts'
import { SlipwayError } from '../../errors/slipway-error.ts'
import { joinMoment } from '../../gostd/time.ts'
import type { BuildkitConnection } from '../../session/connection.ts'
import { type CliBuilderHost, openBuilderHost } from '../builder-host.ts'
import type { CommandContext } from '../command.ts'

/** A record with the node that has it. */
export interface FoundRecord {
  readonly builder: string
  readonly node: BuilderNode
  readonly connection: BuildkitConnection
  readonly record: BuildHistoryRecord
  /** Milliseconds since 1970; undefined for a build that runs. */
  readonly completedMs: number | undefined
  readonly createdMs: number
  /** The node's clock. */
  readonly nowMs: number
  /** What this machine noted of the build. */
  readonly state: BuildState | undefined
}

/** Nodes whose history is looked at. The caller disposes it. */
export interface HistoryNodes extends AsyncDisposable {
  readonly builder: string
  readonly nodes: readonly { readonly node: BuilderNode; readonly connection: BuildkitConnection }[]
  readonly host: CliBuilderHost
}

/** Records that a node is asked for at a time. */
const mostRecords = 50

/** Opens the nodes of the chosen builder, starting them where they do not run. */
export async function openHistory({ host, globals, signal }: CommandContext): Promise<HistoryNodes> {
  await using opening = new AsyncDisposableStack()
  const builderHost = opening.use(openBuilderHost(host, globals))
  const builder = await resolveBuilder(builderHost, globals.builder, { signal, validate: true })
  if (builder.error !== undefined) throw builder.error
  const broken = builder.nodes.find(node => node.error !== undefined)
  if (broken?.error !== undefined) throw broken.error
  await bootNodes(builder.nodes, () => undefined, signal)
  const nodes: HistoryNodes['nodes'][number][] = []
  for (const node of builder.nodes) {
    if (node.driver !== undefined)
      nodes.push({ node, connection: opening.use(await node.driver.dial(signal)) })
  }
  const opened = opening.move()
  return {
    builder: builder.name,
    nodes,
    host: builderHost,
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }
}

/** What records are looked for. */
export interface RecordQuery {
  /** An id, `builder/node/id`, `^N` for the N-th before the newest; empty for all. */
  readonly ref?: string
  /** In the daemon's language. */
  readonly filters?: readonly string[]
  readonly completedOnly?: boolean
}

/** Records of all nodes, newest first. Throws `not-found` for an offset beyond the oldest. */
export async function queryRecords(
  history: HistoryNodes,
  query: RecordQuery,
  signal: AbortSignal,
): Promise<readonly FoundRecord[]> {
  const { ref, offset } = parseRef(query.ref ?? '')
  const filters = query.filters ?? []
  const lists = await Promise.all(
    history.nodes.map(async ({ node, connection }) => {
      const { records, nowMs } = await listHistory(connection, { ref, filters, limit: mostRecords }, signal)
      return records.map(record => found(history, node, connection, record, nowMs ?? history.host.now()))
    }),
  )
  const all = lists.flat().filter(one => !query.completedOnly || one.completedMs !== undefined)
  const sorted = all.toSorted((a, b) => b.createdMs - a.createdMs)
  if (offset === undefined) return sorted
  const one = sorted[offset]
  if (one === undefined && offset > 0) {
    throw new SlipwayError('not-found', `no completed build found with offset ${offset - sorted.length}`)
  }
  return one === undefined ? [] : [one]
}

/** The record of a ref, or the newest one. Throws `not-found` in buildx's words. */
export async function oneRecord(
  history: HistoryNodes,
  query: RecordQuery,
  signal: AbortSignal,
): Promise<FoundRecord> {
  const [first] = await queryRecords(history, query, signal)
  if (first !== undefined) return first
  const { ref = '' } = query
  throw new SlipwayError(
    'not-found',
    ref === '' ? 'no records found' : `no record found for ref ${JSON.stringify(ref)}`,
  )
}

function parseRef(text: string): { ref: string; offset: number | undefined } {
  if (!text.startsWith('^')) return { ref: text.slice(text.lastIndexOf('/') + 1), offset: undefined }
  if (/^\^\d+$/.test(text)) return { ref: '', offset: Number(text.slice(1)) }
  const number = JSON.stringify(text.slice(1))
  throw new SlipwayError(
    'invalid-argument',
    `invalid offset ${JSON.stringify(text)}: strconv.Atoi: parsing ${number}: invalid syntax`,
  )
}

const momentOf = (at: { seconds: bigint; nanos: number } | undefined): number | undefined =>
  at === undefined ? undefined : joinMoment(Number(at.seconds), at.nanos)

function found(
  history: HistoryNodes,
  node: BuilderNode,
  connection: BuildkitConnection,
  record: BuildHistoryRecord,
  nowMs: number,
): FoundRecord {
  const place = { builder: history.builder, node: node.name, ref: record.Ref }
  let state: BuildState | undefined
  try {
    state = readBuildState(openPlaces(history.host).dir, place)
  } catch {
    // A broken note is as good as none.
  }
  const { builder } = history
  const createdMs = momentOf(record.CreatedAt) ?? 0
  return {
    builder,
    node,
    connection,
    record,
    nowMs,
    createdMs,
    completedMs: momentOf(record.CompletedAt),
    state,
  }
}
