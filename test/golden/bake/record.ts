/**
 * Records what the real tool answers to the calls of the corpus:
 *   node test/golden/bake/record.ts PATH-OF-docker-buildx [PATH-OF-AN-OLDER-ONE] [CASE…]
 * The first path gives the answers; the second is only noted where it answers the same.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { BakeAnswer, BakeCall, RecordedCall } from './bake-call.ts'

/**
 * Calls a real docker-buildx in the folder of a case, with nothing of the caller's environment. Calls that build do so
 * with a builder that nobody answers for: what counts is whether they ask for privileges or begin to wait.
 */
export function callReal(binary: string, folder: string, call: BakeCall): BakeAnswer {
  const config = mkdtempSync(join(tmpdir(), 'bake-record-'))
  const env = { PATH: process.env['PATH'] ?? '', HOME: '/home/bake', BUILDX_CONFIG: config, ...call.env }
  const builds = !call.args.some(a => a === '--print' || a.startsWith('--list'))
  if (builds) {
    const create = ['create', '--driver', 'remote', '--name', 'nobody', '--use', 'tcp://127.0.0.1:1']
    execFileSync(binary, create, { env, stdio: 'ignore' })
  }
  const result = spawnSync(binary, ['bake', ...call.args], {
    cwd: folder,
    env,
    input: call.stdin ?? '',
    encoding: 'utf8',
    timeout: builds ? 3_000 : 60_000,
  })
  rmSync(config, { recursive: true, force: true })
  const prompt = builds
    ? (/^Your build is requesting [^]*?(?=ERROR: |WARNING: |#\d)/m.exec(result.stderr)?.[0] ?? '')
    : ''
  const stdout = builds ? prompt.replaceAll(binary, 'docker-buildx') : result.stdout
  if (builds && result.status === null) return { exit: 0, stdout }
  const at = result.stderr.lastIndexOf('ERROR: ')
  const error = at < 0 ? undefined : result.stderr.slice(at + 'ERROR: '.length).replace(/\n$/, '')
  const exit = result.status ?? 1
  return { exit, stdout, ...(exit === 0 || error === undefined ? {} : { error }) }
}

/** The version that a docker-buildx says it is, without `v` and packaging. */
export function versionOf(binary: string): string {
  const text = execFileSync(binary, ['version'], { encoding: 'utf8' })
  return /(\d+\.\d+\.\d+)/.exec(text)?.[1] ?? 'unknown'
}

function record(folder: string, binary: string, older: string | undefined): void {
  const path = `${folder}/calls.json`
  const calls = JSON.parse(readFileSync(path, 'utf8')) as (BakeCall & Partial<RecordedCall>)[]
  const recorded = calls.map(({ args, env, stdin, ours, why }) => {
    const call = { args, ...(env === undefined ? {} : { env }), ...(stdin === undefined ? {} : { stdin }) }
    const expected = callReal(binary, folder, call)
    const from = [versionOf(binary)]
    if (older !== undefined && JSON.stringify(callReal(older, folder, call)) === JSON.stringify(expected))
      from.push(versionOf(older))
    return {
      ...call,
      expected,
      from,
      ...(ours === undefined ? {} : { ours }),
      ...(why === undefined ? {} : { why }),
    }
  })
  writeFileSync(path, `${JSON.stringify(recorded, null, 1)}\n`)
}

if (import.meta.main) {
  const [binary, ...rest] = process.argv.slice(2)
  const older = rest[0]?.includes('/') === true ? rest.shift() : undefined
  const root = dirname(process.argv[1] as string)
  const cases = readdirSync(root, { withFileTypes: true }).filter(
    e => e.isDirectory() && (rest.length === 0 || rest.includes(e.name)),
  )
  if (binary === undefined) throw new Error('give the path of docker-buildx')
  for (const { name } of cases) record(join(root, name), binary, older)
}
