import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { callCli } from '../../../src/cli/testing/call-cli.ts'
import { makeWorld, type World, type WorldOptions } from './world.ts'

/** A call of a command about builders. `{dir}` stands for the folder of the surroundings. */
export interface BuildersCall {
  readonly args: readonly string[]
  /** Besides that of the surroundings; an empty text takes a variable away. */
  readonly env?: Readonly<Record<string, string>>
  readonly stdin?: string
  /** Files to write first, below the folder of the surroundings; null removes one. */
  readonly files?: Readonly<Record<string, string | null>>
}

/** What a call left behind, without what differs from run to run. */
export interface BuildersAnswer {
  readonly exit: number
  readonly stdout: string
  readonly stderr: string
  /** Files of the builders that changed: their content, null where they went. */
  readonly store?: Readonly<Record<string, string | null>>
  /** What docker was asked to change. */
  readonly docker?: readonly unknown[]
  /** What the cluster was asked to change. */
  readonly objects?: Readonly<Record<string, unknown>>
}

/** A call with the answer of the real tool. */
export interface RecordedCall extends BuildersCall {
  readonly expected: BuildersAnswer
  /** Versions of the real tool that answer so. */
  readonly from: readonly string[]
  /** What differs on purpose in our answer. */
  readonly ours?: { readonly [K in keyof BuildersAnswer]?: BuildersAnswer[K] | null }
  readonly why?: string
}

/** Calls that follow each other in one world. */
export interface BuildersCase extends WorldOptions {
  readonly calls: readonly RecordedCall[]
}

/** Reads the calls of a case. */
export function readCase(folder: string): BuildersCase {
  return JSON.parse(readFileSync(join(folder, 'calls.json'), 'utf8')) as BuildersCase
}

/** Runs a call: exit status and both streams as they come. */
export type Runner = (
  args: readonly string[],
  call: { readonly cwd: string; readonly env: Readonly<Record<string, string>>; readonly stdin: string },
) => Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }>

/** Ours, in this process. */
export const ours: Runner = async (args, { cwd, env, stdin }) =>
  await callCli(args, { cwd, env, stdin, program: 'docker-buildx' })

/** A real docker-buildx. The surroundings answer out of this process, so it is waited for without blocking. */
export const real =
  (binary: string): Runner =>
  async (args, { cwd, env, stdin }) => {
    const { spawn } = await import('node:child_process')
    const child = spawn(binary, args, {
      argv0: join(dirname(binary), 'docker-buildx'),
      cwd,
      env: { PATH: process.env['PATH'] ?? '', ...env },
      timeout: 60_000,
    })
    const texts = ['', '']
    child.stdout.on('data', (data: Buffer) => (texts[0] += data.toString('utf8')))
    child.stderr.on('data', (data: Buffer) => (texts[1] += data.toString('utf8')))
    child.stdin.on('error', () => {})
    child.stdin.end(stdin)
    const code = await new Promise<number>(resolve => child.once('close', status => resolve(status ?? -1)))
    return { code, stdout: texts[0] ?? '', stderr: texts[1] ?? '' }
  }

/** What we are to answer: that of the real tool but for what differs on purpose; null stands for what is not there. */
export function wantedAnswer({ expected, ours: own }: RecordedCall): BuildersAnswer {
  const merged = { ...expected, ...own }
  return Object.fromEntries(
    Object.entries(merged).filter(([, value]) => value !== null),
  ) as unknown as BuildersAnswer
}

/** An answer as it is compared: the columns of lists are as wide as rows make them that only we have. */
export function comparable(answer: BuildersAnswer): BuildersAnswer {
  const { stdout } = answer
  return { ...answer, stdout: stdout.startsWith('NAME/NODE') ? stdout.replaceAll(/ {2,}/g, '  ') : stdout }
}

/** The version that a docker-buildx says it is, without `v` and packaging. */
export function versionOf(binary: string): string {
  const text = spawnSync(binary, ['version'], { encoding: 'utf8' }).stdout
  return /(\d+\.\d+\.\d+)/.exec(text)?.[1] ?? 'unknown'
}

/** Runs the calls of a case one after the other in a fresh world; the answers in the same order. */
export async function runCase(
  options: WorldOptions,
  calls: readonly BuildersCall[],
  run: Runner,
): Promise<BuildersAnswer[]> {
  await using world = await makeWorld(options)
  const answers: BuildersAnswer[] = []
  const names: string[] = []
  for (const call of calls) answers.push(await runOne(world, call, run, names))
  return answers
}

async function runOne(
  world: World,
  call: BuildersCall,
  run: Runner,
  names: string[],
): Promise<BuildersAnswer> {
  const fill = (text: string): string => text.replaceAll('{dir}', world.dir)
  for (const [name, content] of Object.entries(call.files ?? {})) {
    const path = join(world.dir, name)
    mkdirSync(dirname(path), { recursive: true })
    if (content === null) rmSync(path, { recursive: true, force: true })
    else writeFileSync(path, fill(content))
  }
  world.age()
  const before = world.files()
  const env = Object.fromEntries(
    Object.entries({ ...world.env, ...call.env })
      .filter(([, value]) => value !== '')
      .map(([name, value]) => [name, fill(value)]),
  )
  world.takeDockerCalls()
  world.takeObjects()
  const { code, stdout, stderr } = await run(call.args.map(fill), {
    cwd: world.dir,
    env,
    stdin: call.stdin ?? '',
  })
  const random = /^[a-z]+_[a-z]+\d?$/m.exec(call.args[0] === 'create' ? stdout : '')?.[0]
  if (random !== undefined && !call.args.some(arg => arg.includes(random))) names.push(random)
  const same = (text: string): string => steady(text, world.dir, names)
  const store = changes(before, world.files(), same)
  const docker = world.takeDockerCalls()
  const objects = world.takeObjects()
  return {
    exit: code,
    stdout: same(sortedLines(withoutEmbedded(withoutDefault(stdout, call)))),
    stderr: same(sortedLines(plainErrors(withoutDefault(stderr, call)))),
    ...(Object.keys(store).length === 0 ? {} : { store }),
    ...(docker.length === 0 ? {} : { docker: JSON.parse(same(JSON.stringify(docker))) as unknown[] }),
    ...(Object.keys(objects).length === 0
      ? {}
      : { objects: JSON.parse(same(JSON.stringify(objects))) as Record<string, unknown> }),
  }
}

function changes(
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
  same: (text: string) => string,
): Record<string, string | null> {
  const changed: [string, string | null][] = []
  for (const [path, content] of after)
    if (before.get(path) !== content) changed.push([same(path), same(content)])
  for (const path of before.keys()) if (!after.has(path)) changed.push([same(path), null])
  return Object.fromEntries(changed.toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

const endpointHash = (endpoint: string): string =>
  createHash('sha256').update(endpoint).digest('hex').slice(0, 20)

/** What differs from run to run as something of the same length, where lists depend on it. */
function steady(text: string, dir: string, names: readonly string[]): string {
  let result = text
    .replaceAll(dir, '/tmp/bgold-000000')
    .replaceAll(endpointHash(`unix://${dir}/d.sock`), 'hash-of-docker-host')
    .replaceAll(encodeURIComponent(dir), '%2Ftmp%2Fbgold-000000')
    .replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \+0000 UTC/g, time =>
      time.startsWith('2023') ? time : 'TIME'.padEnd(time.length, '.'),
    )
    .replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, time => (time.startsWith('0001') ? time : 'TIME'))
    .replaceAll(/buildkit-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}-[0-9a-f]{5}/g, 'buildkit-UUID-RANDOM')
    .replaceAll(/( \d+\.\d+s)? done$/gm, ' done')
    .replaceAll(/\b\d+\.\d+s\b/g, '0.0s')
    .replaceAll(/127\.0\.0\.1:\d{4,5}/g, '127.0.0.1:PORT')
  for (const [i, name] of names.entries()) result = result.replaceAll(name, `random_name${i}`)
  return result
}

/** Go's maps have no order: words of one line, or lines that belong together, are put in one. */
function sortedLines(text: string): string {
  return text.replaceAll(/^(Driver Options:\s+)(.*)$/gm, (_, head: string, rest: string) => {
    const options = rest.match(/\S+?="(?:[^"\\]|\\.)*"/g) ?? []
    return head + options.sort().join(' ')
  })
}

/** Where the calls choose a context, lists without docker's own place on this machine: somebody may listen there. */
function withoutDefault(text: string, { args, env }: BuildersCall): string {
  if (env?.['DOCKER_HOST'] !== '' || args[0] !== 'ls') return text
  return text.replaceAll(/^(default\b| \\_ default\b|Cannot load builder default\b).*\n/gm, '')
}

/** Lists without the builder that only we have: the engine of this machine. */
function withoutEmbedded(text: string): string {
  const others = text.replaceAll(
    /^(slipway\b| \\_ slipway\b|.*"Driver":"embedded","Dynamic":false,"LastActivity":"[^"]*","Name":"slipway").*\n/gim,
    '',
  )
  // Where it stands in for docker, what it says of the machine is no part of the answer.
  return others
    .replaceAll(/^( \\_ default +\\_ \/tmp\/bgold-\w+\/root +running).*$/gm, '$1')
    .replace(/^(Driver: +embedded\n[^]*?\nStatus: +running\n)[^]*$/m, '$1')
}

/** Errors without hints, which only we give, and without the dress of a logger; what ends at the same time in one order. */
function plainErrors(text: string): string {
  return (
    text
      .replace(
        /(?:^(?:\S+ removed|failed to remove .*)\n)+/m,
        lines => lines.match(/.*\n/g)?.sort().join('') ?? '',
      )
      .replaceAll(/^hint: .*\n/gm, '')
      // Buildx makes connections that it does not use; when they fail is a matter of luck.
      .replaceAll(/^ERROR: unable to upgrade connection.*\n/gm, '')
      // What took long is shown when it begins and when it ends.
      .replaceAll(/^(#\d+ .*)\n(?=[^]*^\1 .*done$)/gm, '')
      .replaceAll(
        /^time="[^"]*" level=(\w+) msg="((?:[^"\\]|\\.)*)".*$/gm,
        (_, level: string, words: string) => {
          return `${level.toUpperCase()}: ${words.replaceAll('\\"', '"')}`
        },
      )
  )
}
