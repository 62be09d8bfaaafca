/**
 * Records what the real tool answers to the calls of the corpus:
 *   node test/golden/builders/record.ts PATH-OF-docker-buildx [PATH-OF-AN-OLDER-ONE] [CASE…]
 * The first path gives the answers; the second is only noted where it answers the same.
 */
import { isDeepStrictEqual } from 'node:util'
import { readdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import {
  type BuildersAnswer,
  readCase,
  real,
  type RecordedCall,
  runCase,
  versionOf,
} from './builders-call.ts'

async function record(folder: string, binary: string, older: string | undefined): Promise<void> {
  const { calls, ...options } = readCase(folder)
  const answers = await runCase(options, calls, real(binary))
  const olderAnswers: BuildersAnswer[] = older === undefined ? [] : await runCase(options, calls, real(older))
  const recorded = calls.map((call, i): RecordedCall => {
    const { expected: _expected, from: _from, ours, why, ...asked } = call
    const expected = answers[i] as BuildersAnswer
    const from = [versionOf(binary)]
    if (older !== undefined && isDeepStrictEqual(olderAnswers[i], expected)) from.push(versionOf(older))
    return {
      ...asked,
      expected,
      from,
      ...(ours === undefined ? {} : { ours }),
      ...(why === undefined ? {} : { why }),
    }
  })
  writeFileSync(join(folder, 'calls.json'), `${JSON.stringify({ ...options, calls: recorded }, null, 1)}\n`)
}

if (import.meta.main) {
  const [binary, ...rest] = process.argv.slice(2)
  const older = rest[0]?.includes('/') === true ? rest.shift() : undefined
  const root = dirname(process.argv[1] as string)
  const cases = readdirSync(root, { withFileTypes: true }).filter(
    entry => entry.isDirectory() && (rest.length === 0 || rest.includes(entry.name)),
  )
  if (binary === undefined) throw new Error('give the path of docker-buildx')
  for (const { name } of cases) await record(join(root, name), binary, older)
}
