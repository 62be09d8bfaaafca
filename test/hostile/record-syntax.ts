import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { complaintOf, syntaxCases } from './syntax-cases.ts'

// Asks a real docker-buildx what it says to the Dockerfiles of the corpus, and writes the answers beside it:
//   node test/hostile/record-syntax.ts PROGRAM
// BUILDX_BUILDER names the builder. Answers of 2026: docker-buildx 0.36.1 with buildkitd 0.32.2.

const [program = ''] = process.argv.slice(2)
const dir = mkdtempSync(join(tmpdir(), 'hostile-'))
writeFileSync(join(dir, 'f'), 'f\n')
writeFileSync(join(dir, 'g'), 'g\n')
const lines: string[] = []
for (const [name, text] of syntaxCases()) {
  writeFileSync(join(dir, 'Dockerfile'), text)
  const words = ['build', '--progress=plain', '--output=type=cacheonly', '.']
  const { status, stderr } = spawnSync(program, words, { cwd: dir, encoding: 'utf8', timeout: 60_000 })
  lines.push(`${JSON.stringify(name)}: ${JSON.stringify(complaintOf({ code: status ?? -1, stderr }))}`)
}
rmSync(dir, { recursive: true })
writeFileSync(join(import.meta.dirname, 'syntax.json'), `{\n${lines.join(',\n')}\n}\n`)
