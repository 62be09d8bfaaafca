import { spawnSync } from 'node:child_process'
import { createReadStream, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { addCases } from './add-cases.ts'
import { outcomeOf } from './outcome.ts'
import { listArchive } from './tree-listing.ts'

// Asks a real docker-buildx what `ADD` makes of the archives of the corpus, and writes the answers beside it:
//   node test/hostile/record-adds.ts PROGRAM
// BUILDX_BUILDER names the builder. Answers of 2026: docker-buildx 0.36.1 with buildkitd 0.32.2.

const [program = ''] = process.argv.slice(2)
const dir = mkdtempSync(join(tmpdir(), 'hostile-'))
const lines: string[] = []
for (const [name, archive] of Object.entries(addCases)) {
  const out = join(dir, 'out.tar')
  rmSync(join(dir, 'c'), { recursive: true, force: true })
  mkdirSync(join(dir, 'c'))
  writeFileSync(join(dir, 'c', 'Dockerfile'), 'FROM scratch\nADD layer.tar /x/\n')
  writeFileSync(join(dir, 'c', 'layer.tar'), archive())
  // Each has a time of its own: what has the same size and time is not sent again.
  utimesSync(join(dir, 'c', 'layer.tar'), 1e9, 1e9 + lines.length)
  const words = ['build', '--progress=plain', '-o', `type=tar,dest=${out}`, join(dir, 'c')]
  const { status, stderr } = spawnSync(program, words, { encoding: 'utf8', timeout: 60_000 })
  const answer = await outcomeOf({ code: status ?? -1, stderr }, 'HOST', () =>
    listArchive(createReadStream(out)),
  )
  lines.push(`${JSON.stringify(name)}: ${JSON.stringify(answer)}`)
}
rmSync(dir, { recursive: true })
writeFileSync(join(import.meta.dirname, 'adds.json'), `{\n${lines.join(',\n')}\n}\n`)
