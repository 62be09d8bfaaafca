import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { SlipwayError } from '../errors/slipway-error.ts'
import { abortable, anySignal, sleep, throwIfAborted } from './abort.ts'
import { AsyncQueue } from './async-queue.ts'
import { collectBounded, forEachBounded, mapBounded } from './map-bounded.ts'
import { retry } from './retry.ts'
import { Semaphore } from './semaphore.ts'
import { SingleFlight } from './single-flight.ts'

const canceled = { code: 'canceled', message: 'context canceled' }

/** Lets every microtask and pending immediate run. */
const settle = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

describe('abort', () => {
  it('turns an aborted signal into code canceled, and a SlipwayError reason into itself', () => {
    assert.throws(() => throwIfAborted(AbortSignal.abort()), canceled)
    const reason = new SlipwayError('internal', 'boom')
    assert.throws(() => throwIfAborted(AbortSignal.abort(reason)), reason)
    throwIfAborted(undefined)
  })

  it('stops waiting for a promise that never settles', async () => {
    const controller = new AbortController()
    const waiting = abortable(new Promise(() => {}), controller.signal)
    controller.abort()
    await assert.rejects(waiting, canceled)
    assert.equal(await abortable(Promise.resolve(3), new AbortController().signal), 3)
  })

  it('ends a sleep early', async () => {
    const controller = new AbortController()
    const sleeping = sleep(1e6, controller.signal)
    controller.abort()
    await assert.rejects(sleeping, canceled)
  })

  it('combines signals, leaving out missing ones', () => {
    const controller = new AbortController()
    const any = anySignal(undefined, new AbortController().signal, controller.signal)
    assert.equal(any.aborted, false)
    controller.abort()
    assert.equal(any.aborted, true)
    assert.equal(anySignal(undefined).aborted, false)
  })
})

describe('Semaphore', () => {
  it('lets no more than its capacity in and serves in order', async () => {
    const semaphore = new Semaphore(2)
    const order: number[] = []
    let inside = 0
    let most = 0
    const work = async (n: number): Promise<void> => {
      using _permit = await semaphore.acquire()
      most = Math.max(most, ++inside)
      order.push(n)
      await settle()
      inside--
    }
    await Promise.all([1, 2, 3, 4, 5].map(work))
    assert.equal(most, 2)
    assert.deepEqual(order, [1, 2, 3, 4, 5])
  })

  it('gives a permit back once, however often it is disposed', () => {
    const semaphore = new Semaphore(1)
    const permit = semaphore.tryAcquire()
    assert.equal(semaphore.tryAcquire(), undefined)
    permit?.[Symbol.dispose]()
    permit?.[Symbol.dispose]()
    assert.notEqual(semaphore.tryAcquire(), undefined)
    assert.equal(semaphore.tryAcquire(), undefined)
  })

  it('forgets a waiter that aborts, and serves the ones behind it', async () => {
    const semaphore = new Semaphore(2)
    const held = await semaphore.acquire()
    const controller = new AbortController()
    const heavy = semaphore.acquire(controller.signal, 2)
    const light = semaphore.acquire()
    assert.equal(semaphore.waiting, 2)
    controller.abort()
    await assert.rejects(heavy, canceled)
    await light
    held[Symbol.dispose]()
  })

  it('lets a weight above the capacity run alone', async () => {
    const semaphore = new Semaphore(2)
    const all = await semaphore.acquire(undefined, 9)
    assert.equal(semaphore.tryAcquire(), undefined)
    all[Symbol.dispose]()
    assert.notEqual(semaphore.tryAcquire(), undefined)
  })
})

describe('SingleFlight', () => {
  it('runs once for all callers of a key, and again afterwards', async () => {
    const flights = new SingleFlight<string, number>()
    let runs = 0
    const work = async (): Promise<number> => {
      await settle()
      return ++runs
    }
    assert.deepEqual(await Promise.all([flights.run('k', work), flights.run('k', work)]), [1, 1])
    assert.equal(await flights.run('k', work), 2)
    assert.equal(flights.size, 0)
  })

  it('aborts the work only when the last caller has left', async () => {
    const flights = new SingleFlight<string, number>()
    let seen: AbortSignal | undefined
    const work = (signal: AbortSignal): Promise<number> => {
      seen = signal
      return new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('stopped'))))
    }
    const a = new AbortController()
    const b = new AbortController()
    const first = flights.run('k', work, { signal: a.signal })
    const second = flights.run('k', work, { signal: b.signal })
    a.abort()
    await assert.rejects(first, canceled)
    assert.equal(seen?.aborted, false)
    b.abort()
    await assert.rejects(second, canceled)
    assert.equal(seen?.aborted, true)
    assert.equal(await flights.run('k', async () => 7), 7)
  })

  it('gives reports to all callers and the last one to a late caller', async () => {
    const flights = new SingleFlight<string, void, number>()
    const go = Promise.withResolvers<void>()
    const work = async (_: AbortSignal, report: (n: number) => void): Promise<void> => {
      report(1)
      await go.promise
      report(2)
    }
    const early: number[] = []
    const late: number[] = []
    const first = flights.run('k', work, { onReport: n => early.push(n) })
    const second = flights.run('k', work, { onReport: n => late.push(n) })
    go.resolve()
    await Promise.all([first, second])
    assert.deepEqual(
      [early, late],
      [
        [1, 2],
        [1, 2],
      ],
    )
  })

  it('shares a failure', async () => {
    const flights = new SingleFlight<string, number>()
    const work = async (): Promise<number> => {
      throw new Error('no')
    }
    const both = await Promise.allSettled([flights.run('k', work), flights.run('k', work)])
    assert.deepEqual(
      both.map(r => r.status),
      ['rejected', 'rejected'],
    )
  })
})

describe('retry', () => {
  it('waits longer and longer, within the limit, until it works', async () => {
    const pauses: number[] = []
    const pause = async (ms: number): Promise<void> => void pauses.push(ms)
    const fn = async (attempt: number): Promise<number> => {
      if (attempt < 5) throw new Error('busy')
      return attempt
    }
    assert.equal(await retry(fn, { delay: 10, maxDelay: 30, sleep: pause }), 5)
    assert.deepEqual(pauses, [10, 20, 30, 30])
  })

  it('throws at once what may not be retried, and the last failure otherwise', async () => {
    let calls = 0
    const fn = async (): Promise<void> => {
      throw new Error(`failure ${++calls}`)
    }
    const pause = async (): Promise<void> => {}
    await assert.rejects(retry(fn, { sleep: pause, retryable: () => false }), { message: 'failure 1' })
    await assert.rejects(retry(fn, { sleep: pause, attempts: 3 }), { message: 'failure 4' })
  })

  it('takes the pause that the failure asks for, and ends on abort', async () => {
    const controller = new AbortController()
    const pauses: number[] = []
    const pause = async (ms: number): Promise<void> => {
      pauses.push(ms)
      controller.abort()
    }
    const fn = async (): Promise<void> => {
      throw new Error('busy')
    }
    const { signal } = controller
    await assert.rejects(retry(fn, { signal, sleep: pause, delayFor: () => 77 }), canceled)
    assert.deepEqual(pauses, [77])
  })
})

describe('bounded iteration', () => {
  it('keeps the order of results while running at most the limit', async () => {
    let running = 0
    let most = 0
    const fn = async (n: number): Promise<number> => {
      most = Math.max(most, ++running)
      for (let i = 0; i < 5 - n; i++) await settle()
      running--
      return n * 10
    }
    assert.deepEqual(await collectBounded([1, 2, 3, 4, 5], fn, { limit: 2 }), [10, 20, 30, 40, 50])
    assert.deepEqual(await Array.fromAsync(mapBounded([1, 2, 3], fn, { limit: 2 })), [10, 20, 30])
    assert.equal(most, 2)
  })

  it('stops the siblings of a failure and waits for them', async () => {
    const ended: number[] = []
    const fn = async (n: number, _: number, signal: AbortSignal): Promise<void> => {
      if (n === 2) throw new Error('two')
      await abortable(new Promise(() => {}), signal).catch(() => ended.push(n))
    }
    await assert.rejects(forEachBounded([1, 2, 3, 4], fn, { limit: 3 }), { message: 'two' })
    assert.deepEqual(ended, [1])
    await assert.rejects(Array.fromAsync(mapBounded([1, 2], fn, { limit: 4 })), { message: 'two' })
  })

  it('stops the calls ahead when the reader leaves', async () => {
    const stopped: number[] = []
    const fn = async (n: number, _: number, signal: AbortSignal): Promise<number> => {
      if (n > 1) await abortable(new Promise(() => {}), signal).catch(() => stopped.push(n))
      return n
    }
    for await (const n of mapBounded([1, 2, 3], fn, { limit: 2 })) {
      assert.equal(n, 1)
      break
    }
    assert.deepEqual(stopped, [2])
  })

  it('reports the abort of the caller', async () => {
    const controller = new AbortController()
    const fn = async (_: number, __: number, signal: AbortSignal): Promise<void> => {
      controller.abort()
      await abortable(new Promise(() => {}), signal)
    }
    const { signal } = controller
    await assert.rejects(forEachBounded([1, 2], fn, { limit: 1, signal }), canceled)
  })
})

describe('AsyncQueue', () => {
  it('delivers in order, then the end', async () => {
    const queue = new AsyncQueue<number>()
    const read = Array.fromAsync(queue)
    queue.push(1)
    await settle()
    queue.push(2)
    queue.end()
    assert.deepEqual(await read, [1, 2])
    assert.equal(queue.push(3), false)
  })

  it('delivers what is left before the failure', async () => {
    const queue = new AsyncQueue<number>()
    queue.push(1)
    queue.fail(new Error('broken'))
    const seen: number[] = []
    const read = async (): Promise<void> => {
      for await (const n of queue) seen.push(n)
    }
    await assert.rejects(read(), { message: 'broken' })
    assert.deepEqual(seen, [1])
  })

  it('makes a sender wait while it is full, and frees it when the reader leaves', async () => {
    const queue = new AsyncQueue<number>({ capacity: 1 })
    assert.equal(await queue.send(1), true)
    const second = queue.send(2)
    const third = queue.send(3)
    for await (const n of queue) {
      assert.equal(n, 1)
      assert.equal(await second, true)
      break
    }
    assert.equal(await third, false)
    const full = new AsyncQueue<number>({ capacity: 0 })
    const controller = new AbortController()
    const sending = full.send(1, controller.signal)
    controller.abort()
    await assert.rejects(sending, canceled)
  })
})
