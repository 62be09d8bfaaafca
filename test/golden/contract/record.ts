import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { answerOf } from './answer.ts'
import { commandLines, layOut, readCorpus, variables } from './case.ts'
import { recordOf, resultOf } from './result.ts'

// Asks a real docker-buildx for the answers of the corpus and writes them beside it:
//   node test/golden/contract/record.ts PROGRAM HOST ROOT [PATTERN…]
// HOST is the address of file-server.ts that serves ROOT. BUILDX_BUILDER names a builder whose daemon has the stand-in images of
// scripts/setup as a mirror of docker.io, and nothing in its cache; BUILDKIT_ROOT is the state directory of the daemon, which
// stands in the answers as /var/lib/buildkit. Answers of 2026: docker-buildx 0.36.1 with buildkitd 0.32.2.

const [program = '', host = '', root = tmpdir(), ...patterns] = process.argv.slice(2)
for (const [file, cases] of readCorpus()) {
  const path = join(import.meta.dirname, `${file}.json`)
  const known = existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>) : {}
  const answers: Record<string, unknown> = {}
  for (const one of cases) {
    if (patterns.length > 0 && !patterns.some(pattern => new RegExp(pattern).test(one.name))) {
      answers[one.name] = known[one.name]
      continue
    }
    mkdirSync(root, { recursive: true })
    const dir = mkdtempSync(join(root, 'c'))
    const at = layOut(one, dir, host)
    const place = { dir, url: at.url, program: basename(program) }
    const env = { ...process.env, ...variables(one) }
    const runs = commandLines(one, at).map(words => {
      const { status, stdout, stderr } = spawnSync(program, words, {
        cwd: at.context,
        env,
        input: at.stdin,
        encoding: 'utf8',
      })
      return answerOf({ code: status ?? 1, stdout, stderr }, place)
    })
    const result = await resultOf(join(dir, 'out'), place)
    answers[one.name] = recordOf(one, runs, result)
    rmSync(dir, { recursive: true })
  }
  const lines = Object.entries(answers).flatMap(([name, answer]) =>
    answer === undefined ? [] : [`${JSON.stringify(name)}: ${JSON.stringify(answer)}`],
  )
  const text = `{\n${lines.join(',\n')}\n}\n`
  writeFileSync(
    path,
    text.replaceAll(process.env['BUILDKIT_ROOT'] ?? '/var/lib/buildkit', '/var/lib/buildkit'),
  )
}
