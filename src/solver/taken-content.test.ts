import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Semaphore } from '../async/semaphore.ts'
import { createMemoryKeyStore } from './memory-key-store.ts'
import type { Op } from './op.ts'
import type { Result } from './result.ts'
import { Solver } from './solver.ts'
import type { Vertex } from './vertex.ts'

/** A directory whose content changes once, after its key was computed, and a step on top of the copy of it. */
class ChangingDirectory {
  readonly ran: string[] = []
  content = 'old'
  change: string | undefined
  readonly #saved = new Map<string, Result>()
  readonly #keys = createMemoryKeyStore()

  async build(session: string): Promise<unknown> {
    const solver = new Solver({
      resolveOp: body => this.#op(body as string, session),
      cache: {
        keys: this.#keys,
        results: {
          save: async result => {
            const id = String(this.#saved.size)
            this.#saved.set(id, result)
            return id
          },
          load: async id => this.#saved.get(id),
          exists: id => this.#saved.has(id),
        },
      },
      parallelism: new Semaphore(1),
      now: () => 0,
    })
    using job = solver.job(session, { sessions: [], listener: () => {} })
    const files = vertex('files', [])
    const result = await job.build(
      { vertex: vertex('step', [vertex('copy', [files])]), index: 0 },
      new AbortController().signal,
    )
    return result.value
  }

  #op(name: string, session: string): Op {
    let taken: string | undefined
    const inputs = name === 'files' ? [] : [{ selector: '', ...(name === 'copy' ? this.#byContent() : {}) }]
    return {
      cacheMaps: async () => [{ digest: name === 'files' ? session : name, inputs }],
      exec: async ([input]) => {
        this.ran.push(name)
        if (name === 'copy' && this.change !== undefined) {
          this.content = this.change
          this.change = undefined
          taken = `content:${this.content}`
        }
        const value =
          name === 'copy' ? this.content : `${name}(${typeof input?.value === 'string' ? input.value : ''})`
        return [{ value }]
      },
      taken: () => taken,
    }
  }

  #byContent() {
    return { isLive: () => true, contentKey: async () => `content:${this.content}` }
  }
}

const vertex = (name: string, inputs: readonly Vertex[]): Vertex => ({
  digest: name,
  name,
  inputs: inputs.map(one => ({ vertex: one, index: 0 })),
  ignoreCache: false,
  body: name,
})

test('what was made of a directory that changed meanwhile is kept for what it was made of', async () => {
  const directory = new ChangingDirectory()
  directory.change = 'new'
  assert.equal(await directory.build('one'), 'step(new)')
  directory.ran.length = 0
  assert.equal(await directory.build('two'), 'step(new)', 'the same content is found')
  assert.deepEqual(directory.ran, ['files'])
  directory.content = 'old'
  assert.equal(await directory.build('three'), 'step(old)', 'the content of before is not taken for it')
})
