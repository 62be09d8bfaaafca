import { createReadStream, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { spawn } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { imageOf } from './corpus-image.ts'
import { serveCorpus, repositoryOf, type CorpusImage } from './corpus-server.ts'
import { imageCases } from './image-cases.ts'
import { layerCases } from './layer-cases.ts'
import { listArchive } from './tree-listing.ts'
import { outcomeOf } from './outcome.ts'

// Asks a real docker-buildx what it makes of the images of the corpus, and writes the answers beside it:
//   node test/hostile/record.ts PROGRAM layers [PART OF A NAME]
// BUILDX_BUILDER names a builder whose daemon runs on this machine. Answers of 2026: docker-buildx 0.36.1, buildkitd 0.32.2.

const [program = '', corpus = '', part = ''] = process.argv.slice(2)
const sets: Readonly<Record<string, () => Promise<Readonly<Record<string, () => CorpusImage>>>>> = {
  images: async () => imageCases,
  layers: async () =>
    Object.fromEntries(Object.entries(layerCases).map(([name, layers]) => [name, () => imageOf(layers())])),
}
const images = (await sets[corpus]?.()) ?? {}
await using server = await serveCorpus(images)
const file = join(import.meta.dirname, `${corpus}.json`)
const answers: Record<string, unknown> =
  part === '' ? {} : (JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>)
const dir = mkdtempSync(join(tmpdir(), 'hostile-'))
for (const name of Object.keys(images)) {
  if (!name.includes(part)) continue
  const out = join(dir, 'out.tar')
  rmSync(out, { force: true })
  mkdirSync(join(dir, 'c'), { recursive: true })
  writeFileSync(join(dir, 'c', 'Dockerfile'), `FROM ${server.host}/${repositoryOf(name)}\n`)
  const words = ['build', '--progress=plain', '-o', `type=tar,dest=${out}`, join(dir, 'c')]
  const result = await runProgram(words)
  answers[name] = await outcomeOf(result, server.host, () => listArchive(createReadStream(out)))
  console.log(name, JSON.stringify(answers[name]).slice(0, 200))
}
rmSync(dir, { recursive: true })
const lines = Object.keys(images)
  .filter(name => name in answers)
  .map(name => `${JSON.stringify(name)}: ${JSON.stringify(answers[name])}`)
// Where the daemon keeps its state is no answer.
const text = lines.join(',\n').replaceAll(/\/[^ "]*(?=\/runc-overlayfs\/)/g, '/var/lib/buildkit')
writeFileSync(file, `{\n${text}\n}\n`)

async function runProgram(words: readonly string[]): Promise<{ code: number; stderr: string }> {
  const child = spawn(program, words, { stdio: ['ignore', 'ignore', 'pipe'] })
  let stderr = ''
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
  const timer = setTimeout(() => child.kill('SIGKILL'), 60_000)
  const code = await new Promise<number>(resolve => child.once('close', status => resolve(status ?? -1)))
  clearTimeout(timer)
  return { code, stderr }
}
