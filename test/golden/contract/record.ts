import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { answerOf, resultOf } from './answer.ts'
import { commandLines, layOut, readCorpus, variables } from './case.ts'

// Asks a real docker-buildx for the answers of the corpus and writes them beside it:
//   node test/golden/contract/record.ts PROGRAM [FILE…]
// BUILDX_BUILDER names a builder whose daemon has the stand-in images of scripts/setup as a mirror of docker.io, and nothing
// in its cache. Answers of 2026: docker-buildx 0.36.1 with buildkitd 0.32.2.

const [program = '', ...only] = process.argv.slice(2)
for (const [file, cases] of readCorpus()) {
  if (only.length > 0 && !only.includes(file)) continue
  const answers: Record<string, unknown> = {}
  for (const one of cases) {
    const dir = mkdtempSync(join(tmpdir(), 'c'))
    const context = layOut(one, dir)
    const env = { ...process.env, ...variables(one) }
    const runs = commandLines(one).map(words => {
      const { status, stdout, stderr } = spawnSync(program, words, { cwd: context, env, encoding: 'utf8' })
      return answerOf({ code: status ?? 1, stdout, stderr }, dir)
    })
    const result = await resultOf(join(dir, 'out'))
    answers[one.name] = { runs, ...(result.length === 0 ? {} : { result }) }
    rmSync(dir, { recursive: true })
  }
  const lines = Object.entries(answers).map(
    ([name, answer]) => `${JSON.stringify(name)}: ${JSON.stringify(answer)}`,
  )
  writeFileSync(join(import.meta.dirname, `${file}.json`), `{\n${lines.join(',\n')}\n}\n`)
}
