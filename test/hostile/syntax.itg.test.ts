import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { callCli } from '../../src/cli/testing/call-cli.ts'
import { lacks } from '../support/need.ts'
import { makeScratch, type Scratch } from '../support/scratch.ts'
import { type Complaint, complaintOf, syntaxCases } from './syntax-cases.ts'

// Dockerfiles with a mistake, in every instruction: code, message and excerpt are those of docker-buildx with BuildKit
// (syntax.json), apart from these.

const differences: Readonly<Record<string, (theirs: Complaint) => Complaint>> = {
  // Both messages of the same place, one excerpt.
  'from: platform with too many parts': ({ code, said }) => ({ code, said: said.slice(said.length >> 1) }),
}

const recorded = JSON.parse(readFileSync(join(import.meta.dirname, 'syntax.json'), 'utf8')) as Record<
  string,
  Complaint
>

describe('a Dockerfile with a mistake', { skip: lacks({ root: true, programs: ['runc'] }) }, () => {
  const stack = new AsyncDisposableStack()
  let scratch: Scratch
  let context = ''

  before(async () => {
    scratch = stack.use(await makeScratch())
    context = scratch.path('c')
    await mkdir(context)
    await writeFile(join(context, 'f'), 'f\n')
    await writeFile(join(context, 'g'), 'g\n')
  })
  after(() => stack.disposeAsync())

  for (const [name, text] of syntaxCases()) {
    it(name, async () => {
      await writeFile(join(context, 'Dockerfile'), text)
      const env = {
        HOME: scratch.dir,
        DOCKER_CONFIG: scratch.path('docker'),
        BUILDX_BUILDER: 'slipway',
        SLIPWAY_ROOT: scratch.path('state'),
      }
      const words = ['build', '--progress=plain', '--output=type=cacheonly', '.']
      const result = await callCli(words, { cwd: context, env })
      const theirs = recorded[name]
      assert.ok(theirs, 'there is no recorded answer')
      assert.deepEqual(complaintOf(result), differences[name]?.(theirs) ?? theirs)
      assert.doesNotMatch(result.stderr, /^\s+at .*\.[jt]s:\d+/m, 'a stack trace')
    })
  }
})
