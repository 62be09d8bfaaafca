import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { create, fromBinary } from '@bufbuild/protobuf'
import { openDatabase } from '../../content/database.ts'
import { MemoryStore } from '../../content/memory-store.ts'
import { SlipwayError } from '../../errors/slipway-error.ts'
import { isDigest } from '../../oci/digest.ts'
import {
  BuildHistoryEventType,
  BuildHistoryRecordSchema,
  BuildHistoryRequestSchema,
  SolveRequestSchema,
  UpdateBuildHistoryRequestSchema,
} from '../../proto/gen/control_pb.ts'
import { StatusSchema } from '../../proto/gen/rpc-status_pb.ts'
import type { SolveStatus } from '../../status/solve-status.ts'
import { timestamp } from '../status-message.ts'
import { BuildHistory } from './build-history.ts'
import { parseHistoryFilter } from './history-filter.ts'
import { completeRecord, startedRecord } from './record-build.ts'
import { openRecordStore, recordBlobs } from './record-store.ts'
import { historyRetention } from './retention.ts'
import { openRunningBuilds } from './running-builds.ts'
import { countSteps, decodeStatusLog, encodeStatusLog } from './status-log.ts'

const hour = 3_600_000

function open(keep = { entries: 50, ageMs: 48 * hour }) {
  const content = new MemoryStore()
  const database = openDatabase(':memory:')
  const records = openRecordStore(database)
  const running = openRunningBuilds(database)
  let now = 1000 * hour
  const lease = { hold: () => undefined, [Symbol.dispose]: () => undefined }
  const history = new BuildHistory({ records, running, content, lease, keep, now: () => now })
  const add = (Ref: string, at: number, more: object = {}): void => {
    now = Math.max(now, at)
    history.complete({ Ref, CreatedAt: timestamp(at - 1000), CompletedAt: timestamp(at), ...more })
  }
  return { content, database, records, running, history, add }
}

async function refs(history: BuildHistory, request: object = {}): Promise<string[]> {
  const found: string[] = []
  const message = create(BuildHistoryRequestSchema, { EarlyExit: true, ...request })
  for await (const event of history.listen(message, AbortSignal.timeout(5000)))
    found.push(event.record?.Ref ?? '')
  return found
}

const update = (Ref: string, more: object) => create(UpdateBuildHistoryRequestSchema, { Ref, ...more })

const messages: readonly SolveStatus[] = [
  { vertexes: [{ digest: 'sha256:1', name: 'one', started: 1, completed: 2, cached: true }] },
  {
    vertexes: [{ digest: 'sha256:2', name: 'two', started: 1 }],
    logs: [{ vertex: 'sha256:2', stream: 1, data: Buffer.from('x'), timestamp: 1 }],
  },
  { warnings: [{ vertex: 'sha256:2', level: 1, short: 'w' }] },
]

describe('running builds', () => {
  it('of other processes are listed until they end or their process does', async () => {
    const { database, running, history } = open()
    history.begin({ Ref: 'own' })
    running.begin(create(BuildHistoryRecordSchema, { Ref: 'of another' }))
    const dead = 'INSERT INTO running_builds VALUES (?, 1, 1, ?, ?)'
    database.prepare(dead).run('dead', 'another boot', new Uint8Array())
    assert.deepEqual(await refs(history), ['own', 'of another'])
    assert.deepEqual(await refs(history, { Ref: 'of another' }), ['of another'])
    history.complete({ Ref: 'own', CompletedAt: timestamp(1) })
    running.end('of another')
    assert.deepEqual(running.list(), [])
    assert.equal(database.prepare('SELECT count(*) AS n FROM running_builds').get()?.['n'], 0)
  })
})

describe('records', () => {
  it('of the last two days stay, and the newest of those before', async () => {
    const { history, add } = open({ entries: 2, ageMs: 48 * hour })
    for (let i = 0; i < 4; i++) add(`old${i}`, (1000 + i) * hour)
    add('pinned', 1000 * hour, { pinned: true })
    add('new1', 1100 * hour)
    add('new2', 1101 * hour)
    add('new3', 1102 * hour)
    assert.deepEqual((await refs(history)).toSorted(), ['new1', 'new2', 'new3', 'pinned'])
  })

  it('are listed newest first where a limit is given', async () => {
    const { history, add } = open()
    for (const [ref, at] of [
      ['b', 2],
      ['c', 3],
      ['a', 1],
    ] as const)
      add(ref, at * hour)
    assert.deepEqual(await refs(history, { Limit: 2 }), ['c', 'b'])
    await assert.rejects(refs(history, { Limit: -1 }), /invalid limit -1/)
  })

  it('stay as long as somebody listens to them, but are shown no more', async () => {
    const { history, records, add } = open()
    add('a', hour)
    add('b', hour)
    const abort = new AbortController()
    const listening = history
      .listen(create(BuildHistoryRequestSchema, { Ref: 'a' }), abort.signal)
      [Symbol.asyncIterator]()
    await listening.next()
    history.update(update('a', { Delete: true }))
    assert.deepEqual(await refs(history), ['b'])
    await assert.rejects(refs(history, { Ref: 'a' }), /ref a is deleted/)
    assert.notEqual(records.get('a'), undefined)
    await listening.return?.()
    assert.equal(records.get('a'), undefined)
  })

  it('tell listeners of what happens', async () => {
    const { history, add } = open()
    const abort = new AbortController()
    const types: BuildHistoryEventType[] = []
    const request = create(BuildHistoryRequestSchema, {})
    const done = (async () => {
      for await (const event of history.listen(request, abort.signal)) {
        types.push(event.type)
        if (event.type === BuildHistoryEventType.DELETED) return
      }
    })()
    await Promise.resolve()
    history.begin({ Ref: 'a' })
    add('a', hour)
    history.update(update('a', { Pinned: true }))
    history.update(update('a', { Delete: true }))
    await done
    const { STARTED, COMPLETE, DELETED } = BuildHistoryEventType
    assert.deepEqual(types, [STARTED, COMPLETE, COMPLETE, DELETED])
  })

  it('that are not there cannot be changed', () => {
    const { history } = open()
    assert.throws(() => history.update(update('zzz', { Pinned: true })), /failed to retrieve ref zzz/)
    assert.throws(() => history.update(update('zzz', { Delete: true })), /lease "ref_zzz": not found/)
  })
})

describe('what is kept of a build', () => {
  it('is its log, a trace, the whole error, and no credentials of contexts and caches', async () => {
    const { history, content, records } = open()
    const request = create(SolveRequestSchema, {
      Ref: 'r',
      FrontendAttrs: {
        context: 'https://u:canary@host/r.git',
        'context:x': 'https://canary@host/',
        'cache-imports': '[{"Type":"gha","Attrs":{"token":"canary","scope":"mine"}},{"Type":"inline"}]',
        target: 't',
      },
    })
    const error = new SlipwayError('not-found', 'it failed', {
      details: [{ type: 'errdefs.Vertex', digest: 'sha256:2' }],
    })
    const end = { messages, metadata: new Map(), responses: [], provenance: [], error }
    await completeRecord(startedRecord(request, 1000), end, { startedMs: 1000, completedMs: 2000 }, history)
    const record = records.get('r')
    assert.equal(JSON.stringify(record?.FrontendAttrs).includes('canary'), false)
    assert.match(record?.FrontendAttrs['cache-imports'] ?? '', /"scope":"mine"/)
    assert.deepEqual(
      [record?.numTotalSteps, record?.numCachedSteps, record?.numCompletedSteps, record?.numWarnings],
      [2, 1, 1, 1],
    )
    assert.equal(record?.error?.details.length, 0)
    const digest = record?.externalError?.digest ?? ''
    assert.ok(isDigest(digest))
    const status = fromBinary(StatusSchema, await content.readAll(digest))
    assert.equal(status.message, 'it failed')
    assert.ok(status.details.some(detail => detail.typeUrl.endsWith('errdefs.Vertex+json')))
    const replayed = await Array.fromAsync(history.status('r') ?? [])
    assert.equal(replayed.length, 3)
    assert.deepEqual(recordBlobs(record ?? create(BuildHistoryRecordSchema)).length, 3)
  })

  it('is read back in pieces of any size', async () => {
    const bytes = Buffer.concat([...encodeStatusLog(messages)])
    for (const size of [1, 3, 7, bytes.length]) {
      const pieces = async function* () {
        for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
      }
      assert.equal((await Array.fromAsync(decodeStatusLog(pieces()))).length, 3)
    }
    const cut = async function* () {
      yield bytes.subarray(0, -1)
    }
    await assert.rejects(Array.fromAsync(decodeStatusLog(cut())), /unexpected EOF/)
    assert.equal(countSteps(messages).total, 2)
  })
})

describe('filters', () => {
  const record = create(BuildHistoryRecordSchema, {
    Ref: 'abc',
    CreatedAt: timestamp(10 * hour),
    CompletedAt: timestamp(10 * hour + 5000),
    FrontendAttrs: { context: 'https://host/org/repo.git#main' },
  })
  const cases: readonly (readonly [string, boolean])[] = [
    ['ref==abc', true],
    ['ref~=^b', false],
    ['status==completed', true],
    ['status!=completed', false],
    ['repository~=org/repo', true],
    ['status==completed,ref==x', false],
    ['duration>=5s', true],
    ['duration>5s', false],
    ['startedAt>2h', true],
    ['startedAt<30m', true],
    ['completedAt>=1970-01-01T10:00:05Z', true],
    ['completedAt<1970-01-01T10:00:05Z,status==completed', false],
  ]
  for (const [text, matches] of cases) {
    it(`${text} is ${matches}`, () => assert.equal(parseHistoryFilter([text], 11 * hour)(record), matches))
  }

  it('that are broken are refused', () => {
    assert.throws(() => parseHistoryFilter(['duration>long'], 0), /invalid duration long/)
    assert.throws(() => parseHistoryFilter(['startedAt>then'], 0), /invalid time then/)
    assert.throws(() => parseHistoryFilter(['ref=abc'], 0), /parse error/)
  })
})

describe('retention', () => {
  it('is in seconds or a duration', () => {
    assert.deepEqual(historyRetention(undefined), { entries: 50, ageMs: 48 * hour })
    assert.deepEqual(historyRetention({ maxAge: 60, maxEntries: 3 }), { entries: 3, ageMs: 60_000 })
    assert.deepEqual(historyRetention({ maxAge: '2h' }), { entries: 50, ageMs: 2 * hour })
  })
})
