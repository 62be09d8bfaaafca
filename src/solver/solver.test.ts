import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Semaphore } from '../async/semaphore.ts'
import { SlipwayError } from '../errors/slipway-error.ts'
import type { SolveStatus } from '../status/solve-status.ts'
import { createMemoryKeyStore } from './memory-key-store.ts'
import type { CacheMap, Op, OpContext } from './op.ts'
import type { Result } from './result.ts'
import { Solver } from './solver.ts'
import type { CacheSource } from './solver-shared.ts'
import type { Vertex } from './vertex.ts'

interface Fake {
  /** Digest of the op; vertices with other digests may share it. */
  readonly op: string
  readonly inputs?: readonly Vertex[]
  /** Inputs by index that count by content. */
  readonly byContent?: readonly number[]
  /** Computes the content of such an input. */
  readonly content?: (input: string) => Promise<string> | string
  /** Such inputs may change. */
  readonly isLive?: boolean
  readonly ignoreCache?: boolean
  readonly isHere?: boolean
  readonly work?: (inputs: readonly string[], ctx: OpContext) => Promise<string> | string
}

interface Body {
  readonly fake: Fake
}

/** A small world: ops that concatenate texts and count how often they ran. */
class World {
  readonly runs = new Map<string, number>()
  readonly saved = new Map<string, Result>()
  readonly keys = createMemoryKeyStore()
  readonly statuses: SolveStatus[] = []
  #next = 0

  readonly cache: CacheSource = {
    keys: this.keys,
    results: {
      save: async result => {
        const id = String(this.saved.size)
        this.saved.set(id, result)
        return id
      },
      load: async id => this.saved.get(id),
      exists: id => this.saved.has(id),
    },
  }

  vertex(digest: string, fake: Fake): Vertex {
    return {
      digest,
      name: digest,
      inputs: (fake.inputs ?? []).map(vertex => ({ vertex, index: 0 })),
      ignoreCache: fake.ignoreCache ?? false,
      body: { fake } satisfies Body,
    }
  }

  solver(parallelism = 8): Solver {
    return new Solver({
      resolveOp: body => this.#op((body as Body).fake),
      cache: this.cache,
      parallelism: new Semaphore(parallelism),
      now: () => this.#next++,
    })
  }

  async build(
    solver: Solver,
    vertex: Vertex,
    options: { id?: string; signal?: AbortSignal } = {},
  ): Promise<string> {
    using job = solver.job(options.id ?? `job ${this.#next++}`, {
      sessions: ['s'],
      listener: status => this.statuses.push(status),
    })
    const result = await job.build({ vertex, index: 0 }, options.signal ?? new AbortController().signal)
    return result.value as string
  }

  ran(op: string): number {
    return this.runs.get(op) ?? 0
  }

  #op(fake: Fake): Op {
    const map: CacheMap = {
      digest: fake.op,
      inputs: (fake.inputs ?? []).map((_, i) =>
        fake.byContent?.includes(i)
          ? {
              selector: '',
              isLive: () => fake.isLive === true,
              contentKey: async result =>
                `content:${fake.content === undefined ? String(result.value) : await fake.content(String(result.value))}`,
            }
          : { selector: '' },
      ),
    }
    return {
      isHere: () => fake.isHere === true,
      cacheMaps: async () => [map],
      exec: async (inputs, ctx) => {
        this.runs.set(fake.op, this.ran(fake.op) + 1)
        const texts = inputs.map(input => input.value as string)
        const value = fake.work === undefined ? `${fake.op}(${texts.join(',')})` : await fake.work(texts, ctx)
        return [{ value }]
      },
    }
  }
}

test('what is wrong with the content of one input ends the work on the others', async () => {
  const world = new World()
  let aborted = false
  const slow = world.vertex('slow', {
    op: 'slow',
    work: (_, { signal }) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          aborted = true
          reject(new SlipwayError('canceled', 'context canceled'))
        })
      }),
  })
  const between = world.vertex('between', { op: 'between', inputs: [slow] })
  const files = world.vertex('files', { op: 'files' })
  const copy = world.vertex('copy', {
    op: 'copy',
    inputs: [between, files],
    byContent: [1],
    content: () => {
      throw new SlipwayError('not-found', '"/x": not found')
    },
  })
  await assert.rejects(world.build(world.solver(), copy), {
    message: 'failed to compute cache key: "/x": not found',
  })
  assert.equal(aborted, true)
  assert.equal(world.ran('between'), 0)
})

test('content that may change is looked at again after the other inputs were waited for', async () => {
  const world = new World()
  let content = 'old'
  const looks: string[] = []
  const step = world.vertex('step', {
    op: 'step',
    inputs: [world.vertex('base', { op: 'base' })],
    work: async () => {
      while (looks.length === 0) await new Promise(resolve => setImmediate(resolve))
      content = 'new'
      return 'step'
    },
  })
  const files = world.vertex('files', { op: 'files' })
  const look = (): string => {
    looks.push(content)
    return content
  }
  const copy = (digest: string, isLive: boolean): Vertex =>
    world.vertex(digest, { op: digest, inputs: [step, files], byContent: [1], isLive, content: look })
  await world.build(world.solver(), copy('live', true))
  assert.deepEqual(looks, ['old', 'new'])
  looks.length = 0
  content = 'old'
  world.saved.clear()
  await world.build(world.solver(), copy('still', false))
  assert.deepEqual(looks, ['old'])
})

test('a vertex that two others need runs once', async () => {
  const world = new World()
  const base = world.vertex('base', { op: 'base' })
  const left = world.vertex('left', { op: 'left', inputs: [base] })
  const right = world.vertex('right', { op: 'right', inputs: [base] })
  const top = world.vertex('top', { op: 'top', inputs: [left, right] })
  assert.equal(await world.build(world.solver(), top), 'top(left(base()),right(base()))')
  assert.equal(world.ran('base'), 1)
})

test('a second build finds everything and runs nothing', async () => {
  const world = new World()
  const make = (): Vertex => {
    const base = world.vertex('base', { op: 'base' })
    return world.vertex('top', { op: 'top', inputs: [world.vertex('mid', { op: 'mid', inputs: [base] })] })
  }
  await world.build(world.solver(), make())
  assert.equal(await world.build(world.solver(), make()), 'top(mid(base()))')
  assert.deepEqual([world.ran('base'), world.ran('mid'), world.ran('top')], [1, 1, 1])
  const cached = new Set(
    world.statuses.flatMap(status =>
      (status.vertexes ?? []).filter(vertex => vertex.cached).map(vertex => vertex.digest),
    ),
  )
  assert.deepEqual(cached, new Set(['base', 'mid', 'top']))
})

test('a source whose own result is gone shows that it looked, though all above it is found', async () => {
  const world = new World()
  const make = (): Vertex =>
    world.vertex('top', { op: 'top', inputs: [world.vertex('base', { op: 'base' })] })
  await world.build(world.solver(), make())
  for (const [id, { value }] of world.saved) if (value === 'base()') world.saved.delete(id)
  world.statuses.length = 0
  await world.build(world.solver(), make())
  const of = (digest: string): (boolean | undefined)[] =>
    world.statuses
      .flatMap(status => status.vertexes ?? [])
      .filter(vertex => vertex.digest === digest && vertex.completed !== undefined)
      .map(vertex => vertex.cached)
  assert.deepEqual([of('base'), of('top'), world.ran('base')], [[false], [true], 1])
})

test('what was removed below a result that is still there is not made again', async () => {
  const world = new World()
  const base = world.vertex('base', { op: 'base' })
  const mid = world.vertex('mid', { op: 'mid', inputs: [base] })
  const top = world.vertex('top', { op: 'top', inputs: [mid] })
  await world.build(world.solver(), top)
  for (const [id, result] of world.saved) if (result.value !== 'top(mid(base()))') world.saved.delete(id)
  assert.equal(await world.build(world.solver(), top), 'top(mid(base()))')
  assert.deepEqual([world.ran('base'), world.ran('mid'), world.ran('top')], [1, 1, 1])
})

test('a removed result is made again from what is left, and found by the same key', async () => {
  const world = new World()
  const base = world.vertex('base', { op: 'base' })
  const top = world.vertex('top', { op: 'top', inputs: [base] })
  await world.build(world.solver(), top)
  for (const [id, result] of world.saved) if (result.value === 'top(base())') world.saved.delete(id)
  await world.build(world.solver(), top)
  await world.build(world.solver(), top)
  assert.deepEqual([world.ran('base'), world.ran('top')], [1, 2])
})

test('an input that counts by content is found again when other work gave the same content', async () => {
  const world = new World()
  const source = (digest: string): Vertex =>
    world.vertex(digest, { op: `random:${digest}`, work: () => 'files' })
  const copy = (digest: string): Vertex =>
    world.vertex(`copy ${digest}`, { op: 'copy', inputs: [source(digest)], byContent: [0] })
  const top = (digest: string): Vertex => world.vertex(`top ${digest}`, { op: 'top', inputs: [copy(digest)] })
  await world.build(world.solver(), top('one'))
  await world.build(world.solver(), top('two'))
  assert.deepEqual([world.ran('copy'), world.ran('top')], [1, 1])
  assert.deepEqual([world.ran('random:one'), world.ran('random:two')], [1, 1])
})

test('other content runs again from there on', async () => {
  const world = new World()
  const copy = (content: string): Vertex => {
    const source = world.vertex(content, { op: `random:${content}`, work: () => content })
    return world.vertex(`copy ${content}`, { op: 'copy', inputs: [source], byContent: [0] })
  }
  assert.equal(await world.build(world.solver(), copy('a')), 'copy(a)')
  assert.equal(await world.build(world.solver(), copy('b')), 'copy(b)')
  assert.equal(world.ran('copy'), 2)
})

test('a content match is also found by definition the next time, without looking at content', async () => {
  const world = new World()
  let looked = 0
  const source = (digest: string): Vertex =>
    world.vertex(digest, {
      op: digest,
      work: () => {
        looked++
        return 'same'
      },
    })
  const copy = (digest: string): Vertex =>
    world.vertex(`copy ${digest}`, { op: 'copy', inputs: [source(digest)], byContent: [0] })
  await world.build(world.solver(), copy('one'))
  await world.build(world.solver(), copy('two'))
  world.saved.clear()
  world.keys.addRecord('x', { saved: 'none', createdMs: 0 })
  assert.equal(looked, 2)
  const solver = world.solver()
  using job = solver.job('j', { sessions: [], listener: () => undefined })
  void job
  const keys = await solver.state(copy('two')).edge(0).keys()
  assert.equal(keys.length, 1)
  assert.equal(looked, 2)
})

test('ignoring the cache runs the vertex and all that is built on it', async () => {
  const world = new World()
  const build = async (ignoreCache: boolean): Promise<string> => {
    const base = world.vertex('base', { op: 'base' })
    const mid = world.vertex('mid', { op: 'mid', inputs: [base], ignoreCache })
    return world.build(world.solver(), world.vertex('top', { op: 'top', inputs: [mid] }))
  }
  await build(false)
  await build(true)
  assert.deepEqual([world.ran('base'), world.ran('mid'), world.ran('top')], [1, 2, 2])
})

test('two builds at the same time share the running vertex and both see its status', async () => {
  const world = new World()
  const gate = Promise.withResolvers<void>()
  const slow = world.vertex('slow', {
    op: 'slow',
    work: async () => {
      await gate.promise
      return 'done'
    },
  })
  const solver = world.solver()
  const first: SolveStatus[] = []
  const second: SolveStatus[] = []
  using one = solver.job('one', { sessions: ['1'], listener: status => first.push(status) })
  using two = solver.job('two', { sessions: ['2'], listener: status => second.push(status) })
  const signal = new AbortController().signal
  const results = [
    one.build({ vertex: slow, index: 0 }, signal),
    two.build({ vertex: slow, index: 0 }, signal),
  ]
  setImmediate(gate.resolve)
  assert.deepEqual(
    (await Promise.all(results)).map(result => result.value),
    ['done', 'done'],
  )
  assert.equal(world.ran('slow'), 1)
  for (const seen of [first, second])
    assert.ok(seen.some(status => status.vertexes?.some(vertex => vertex.completed !== undefined)))
})

test('a cancelled build leaves the shared vertex to the other one', async () => {
  const world = new World()
  const started = Promise.withResolvers<AbortSignal>()
  const gate = Promise.withResolvers<void>()
  const slow = world.vertex('slow', {
    op: 'slow',
    work: async (_inputs, ctx) => {
      started.resolve(ctx.signal)
      await gate.promise
      return 'done'
    },
  })
  const solver = world.solver()
  const stop = new AbortController()
  const stopped = world.build(solver, slow, { id: 'stopped', signal: stop.signal })
  const kept = world.build(solver, slow, { id: 'kept' })
  const signal = await started.promise
  stop.abort()
  assert.equal(signal.aborted, false)
  gate.resolve()
  assert.equal(await kept, 'done')
  await stopped.catch(() => undefined)
  assert.equal(world.ran('slow'), 1)
})

test('the last waiter that leaves aborts the work', async () => {
  const world = new World()
  const started = Promise.withResolvers<void>()
  const slow = world.vertex('slow', {
    op: 'slow',
    work: async (_inputs, ctx) => {
      started.resolve()
      await new Promise((_, reject) =>
        ctx.signal.addEventListener('abort', () => reject(ctx.signal.reason as Error)),
      )
      return ''
    },
  })
  const stop = new AbortController()
  const building = world.build(world.solver(), slow, { signal: stop.signal })
  await started.promise
  stop.abort()
  await assert.rejects(building, (e: SlipwayError) => e.code === 'canceled')
})

test('a failure names its vertex, stops its siblings and is not kept', async () => {
  const world = new World()
  let fail = true
  let aborted = false
  const bad = world.vertex('bad', {
    op: 'bad',
    work: () => {
      if (fail) throw new SlipwayError('unknown', 'boom')
      return 'good'
    },
  })
  const slow = world.vertex('slow', {
    op: 'slow',
    work: (_inputs, ctx) =>
      fail
        ? new Promise<string>((_, reject) =>
            ctx.signal.addEventListener('abort', () => {
              aborted = true
              reject(ctx.signal.reason as Error)
            }),
          )
        : 'slow',
  })
  const top = world.vertex('top', { op: 'top', inputs: [slow, bad] })
  const solver = world.solver()
  await assert.rejects(world.build(solver, top), (e: SlipwayError) => {
    assert.equal(e.message, 'boom')
    assert.deepEqual(
      e.details.map(detail => detail['digest']),
      ['bad'],
    )
    return true
  })
  assert.equal(aborted, true)
  fail = false
  assert.equal(await world.build(solver, top), 'top(slow,good)')
})

test('a failure stays one for the build that it happened to, and is none for the next', async () => {
  const world = new World()
  let fail = true
  const bad = world.vertex('bad', {
    op: 'bad',
    work: () => {
      if (fail) throw new SlipwayError('unknown', 'boom')
      return 'good'
    },
  })
  const [one, two] = ['one', 'two'].map(op => world.vertex(op, { op, inputs: [bad] }))
  assert.ok(one !== undefined && two !== undefined)
  const solver = world.solver()
  using job = solver.job('first', { sessions: [], listener: status => world.statuses.push(status) })
  const { signal } = new AbortController()
  for (const vertex of [bad, one, two]) {
    await assert.rejects(job.build({ vertex, index: 0 }, signal), { message: 'boom' })
    fail = false
  }
  assert.equal(world.ran('bad'), 1)
  assert.equal(await world.build(solver, two), 'two(good)')
})

test('equal work of different vertices at the same time runs once', async () => {
  const world = new World()
  const copy = (digest: string): Vertex => {
    const source = world.vertex(digest, { op: `random:${digest}`, work: () => 'files' })
    return world.vertex(`copy ${digest}`, { op: 'copy', inputs: [source], byContent: [0] })
  }
  const top = world.vertex('top', { op: 'top', inputs: [copy('one'), copy('two')] })
  assert.equal(await world.build(world.solver(), top), 'top(copy(files),copy(files))')
  assert.equal(world.ran('copy'), 1)
})

test('an op whose results are here already is shown as cached', async () => {
  const world = new World()
  const [here, away] = [true, false].map(isHere =>
    world.vertex(`here ${isHere}`, { op: `random:${isHere}`, isHere }),
  )
  const top = world.vertex('top', { op: 'top', inputs: [here, away].filter(one => one !== undefined) })
  await world.build(world.solver(), top)
  const last = new Map(world.statuses.flatMap(({ vertexes }) => vertexes ?? []).map(one => [one.name, one]))
  assert.equal(last.get('here true')?.cached, true)
  assert.notEqual(last.get('here false')?.cached, true)
})

test('no more ops work at once than the limit allows', async () => {
  const world = new World()
  let now = 0
  let most = 0
  const leaf = (i: number): Vertex =>
    world.vertex(`leaf ${i}`, {
      op: `leaf ${i}`,
      work: async () => {
        most = Math.max(most, ++now)
        await new Promise(resolve => setImmediate(resolve))
        now--
        return ''
      },
    })
  const top = world.vertex('top', { op: 'top', inputs: Array.from({ length: 12 }, (_, i) => leaf(i)) })
  await world.build(world.solver(3), top)
  assert.equal(most, 3)
})

test('a graph with more ways through it than can be counted is solved in the time its vertices take', async () => {
  const world = new World()
  const work = (inputs: readonly string[]): string => `${inputs.length}`
  let [one, two] = [world.vertex('a0', { op: 'a0', work }), world.vertex('b0', { op: 'b0', work })]
  for (let i = 1; i <= 40; i++) {
    const inputs = [one, two]
    one = world.vertex(`a${i}`, { op: `a${i}`, inputs, work })
    two = world.vertex(`b${i}`, { op: `b${i}`, inputs, work })
  }
  assert.equal(await world.build(world.solver(), one), '2')
  assert.equal(world.runs.size, 81)
  assert.equal(await world.build(world.solver(), one), '2')
  assert.equal(world.ran('a40'), 1)
})
