import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import { callCli } from '../../../src/cli/testing/call-cli.ts'
import { startMirror } from '../../support/mirror.ts'
import { lacks } from '../../support/need.ts'
import { makeScratch } from '../../support/scratch.ts'
import { type Answer, answerOf } from './answer.ts'
import { type Case, commandLines, type LaidOut, layOut, readCorpus, variables } from './case.ts'
import { makeFastFolder } from './fast-folder.ts'
import { type FileServer, startFileServer } from './file-server.ts'
import { recordOf, resultOf } from './result.ts'

// The corpus: files of cases (`*.txt`), and beside them what docker-buildx 0.36.1 with buildkitd 0.32.2 answered (`*.json`,
// made by record.ts). Messages, steps, images and files have to be the same here.

interface Recorded {
  readonly [name: string]: { readonly runs: readonly unknown[]; readonly result?: unknown }
}

/** Cases of more builds than this are not run in CI. */
const manyRuns = 35

/** Defines a test for each case of every second file, so that two processes share the corpus. */
export function runCorpus(part: 0 | 1): void {
  const skip = lacks({ root: true, registry: true, programs: ['runc'] })
  describe('builds answer as BuildKit does', { skip }, () => defineTests(part))
}

function defineTests(part: 0 | 1): void {
  const stack = new AsyncDisposableStack()
  let folder = ''
  let server: FileServer
  let surroundings: Record<string, string>

  before(async () => {
    const scratch = stack.use(await makeScratch())
    folder = scratch.path('m')
    stack.use(makeFastFolder(folder))
    // Each build starts threads of its own, which need not strip the types again.
    process.env['NODE_COMPILE_CACHE'] ??= join(folder, 'compiled')
    server = stack.use(await startFileServer(folder))
    const mirror = stack.use(await startMirror(scratch.dir, ['busybox', 'alpine']))
    const config = scratch.path('buildkitd.toml')
    await writeFile(
      config,
      `[registry."docker.io"]\n  mirrors = ["${mirror.host}"]\n[registry."${mirror.host}"]\n  http = true\n`,
    )
    surroundings = {
      HOME: scratch.dir,
      DOCKER_CONFIG: scratch.path('docker'),
      BUILDX_BUILDER: 'slipway',
      SLIPWAY_CONFIG: config,
    }
  })
  after(() => stack.disposeAsync())

  for (const [at, [file, cases]] of [...readCorpus()].entries()) {
    if (at % 2 !== part) continue
    const recorded = JSON.parse(readFileSync(join(import.meta.dirname, `${file}.json`), 'utf8')) as Recorded
    describe(file, { concurrency: 3 }, () => {
      for (const one of cases) {
        const isLong = (recorded[one.name]?.runs.length ?? 0) > manyRuns
        it(one.name, { skip: isLong ? lacks({ time: true }) : false }, async t => {
          const attempt = async (state: string): Promise<unknown> => {
            const dir = await mkdtemp(join(folder, 'c'))
            const at = tryLayOut(one, dir, server.host)
            if (at === undefined) return undefined
            const place = { dir, url: at.url, program: 'slipway' }
            const env = { ...surroundings, SLIPWAY_ROOT: join(folder, state), ...variables(one) }
            const runs: Answer[] = []
            for (const words of commandLines(one, at))
              runs.push(answerOf(await callCli(words, { cwd: at.context, env, stdin: at.stdin }), place))
            const answer = recordOf(one, runs, await resultOf(join(dir, 'out'), place))
            await rm(dir, { recursive: true })
            return JSON.parse(JSON.stringify(answer))
          }
          const answer = await attempt('state')
          if (answer === undefined) return t.skip('a program of its set-up is missing')
          if (isDeepStrictEqual(answer, recorded[one.name])) return
          // What a step writes may come in pieces, and on two streams: then its lines are others, as with BuildKit.
          t.diagnostic('once more, from nothing')
          assert.deepEqual(await attempt('again'), recorded[one.name])
        })
      }
    })
  }
}

function tryLayOut(one: Case, dir: string, host: string): LaidOut | undefined {
  try {
    return layOut(one, dir, host)
  } catch {
    return undefined
  }
}
