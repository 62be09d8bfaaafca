import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { findProgram } from '../../scripts/setup/programs.ts'
import { run, tryRun } from '../../scripts/setup/run.ts'
import type { SlipwayCommand } from '../support/slipway.ts'
import { cases, contextFiles, failures } from './cases.ts'
import { type ImageAnswer, imagesOf } from './image-answer.ts'

/** A way to the same builds. */
export interface Way {
  readonly name: string
  readonly builder: string
  readonly env?: NodeJS.ProcessEnv
  /** It holds one platform per image and writes no archives: images are loaded and saved by this. */
  readonly save?: (names: readonly string[], file: string) => Promise<Readonly<Record<string, ImageAnswer>>>
}

/** What a driver answered to all of the cases. */
export interface DriverAnswers {
  /** Images by case and platform. */
  readonly images: Readonly<Record<string, Readonly<Record<string, ImageAnswer>>>>
  /** The steps that were shown, without numbers and names of targets; ` !` is put behind those that failed. */
  readonly steps: readonly string[]
}

/** What it answered to a build that fails. */
export interface FailureAnswer {
  readonly code: number | null
  readonly error: string
  readonly steps: readonly string[]
}

/** Makes the context that all builds share. */
export async function makeContext(dir: string): Promise<void> {
  for (const [path, text] of Object.entries(contextFiles)) {
    await mkdir(join(dir, path, '..'), { recursive: true })
    await writeFile(join(dir, path), text, { mode: 0o644 })
  }
  await run(['cp', findProgram('busybox') ?? '', join(dir, 'busybox')])
  await run([
    'tar',
    '-C',
    join(dir, 'files'),
    '-cf',
    join(dir, 'archive.tar'),
    '--owner=0',
    '--group=0',
    'a',
    'sub/c',
  ])
  await writeFile(join(dir, 'secret'), 'hush\n')
}

/** Builds all of the cases at once, as the targets of a bake file. */
export async function answerCases(slipway: SlipwayCommand, way: Way, dir: string): Promise<DriverAnswers> {
  await mkdir(dir, { recursive: true })
  const chosen = Object.entries(cases).filter(
    ([name, one]) => way.save === undefined || (one.platforms === undefined && name !== 'empty'),
  )
  const names = chosen.map(([name]) => name)
  const target = chosen.map(([name, one]): [string, object] => [
    name,
    {
      context: join(dir, '..', 'context'),
      // Bake fills in what stands in braces.
      'dockerfile-inline': one.dockerfile.replaceAll('${', () => '$${'),
      platforms: one.platforms,
      args: one.args,
      secret: one.secret === undefined ? undefined : [`id=s,src=${join(dir, '..', 'context', 'secret')}`],
      'no-cache': one.noCache,
      tags: [`contract/${name.toLowerCase()}:${way.name}`],
      output: [way.save === undefined ? `type=oci,dest=${join(dir, `${name}.tar`)}` : 'type=docker'],
      attest: [{ type: 'provenance', disabled: 'true' }],
      // A docker daemon without a bridge has no other network for steps.
      network: 'none',
    },
  ])
  const file = join(dir, 'bake.json')
  await writeFile(
    file,
    JSON.stringify({ group: { default: { targets: names } }, target: Object.fromEntries(target) }),
  )
  const allow = ['read', 'write'].map(kind => `--allow=fs.${kind}=${join(dir, '..')}`)
  const words = ['bake', '-f', file, '--builder', way.builder, '--progress=rawjson', ...allow]
  const { code, stderr } = await tryRun([...slipway.command, ...words], {
    env: { ...slipway.env, ...way.env },
  })
  if (code !== 0) throw new Error(`${way.name}: ${stderr.slice(-3000)}`)
  const images: Record<string, Readonly<Record<string, ImageAnswer>>> = {}
  if (way.save === undefined)
    for (const name of names) images[name] = await imagesOf(join(dir, `${name}.tar`))
  else {
    const tags = names.map(name => `contract/${name.toLowerCase()}:${way.name}`)
    const saved = await way.save(tags, join(dir, 'saved.tar'))
    for (const name of names) {
      const image = saved[name.toLowerCase()]
      if (image !== undefined) images[name] = { [`linux/${String(image.config['architecture'])}`]: image }
    }
  }
  await rm(dir, { recursive: true, force: true })
  return { images, steps: stepsOf(stderr) }
}

/** Makes the builds that fail, one by one. */
export async function answerFailure(
  slipway: SlipwayCommand,
  way: Way,
  name: string,
  context: string,
): Promise<FailureAnswer> {
  const words = [
    'build',
    '--builder',
    way.builder,
    '--progress=rawjson',
    '--provenance=false',
    '--network=none',
    '-f',
    '-',
    context,
  ]
  const { code, stderr } = await tryRun([...slipway.command, ...words], {
    env: { ...slipway.env, ...way.env },
    input: failures[name] ?? '',
  })
  return {
    code,
    error: (/^ERROR: (.*)$/m.exec(stderr)?.[1] ?? '')
      .replace(/ref [\w-]+::\w+/, 'ref …')
      // Of a registry on this machine that is asked by HTTPS and HTTP, each tells another refusal.
      .replace(/(?<=failed to do request: )(Head|Get) "https?:/, '… "'),
    steps: stepsOf(stderr),
  }
}

interface Vertex {
  readonly name: string
  readonly error?: string
}

/** Steps that the two sides of a driver show in ways of their own: transfers, exports. */
const isOwn = /^(exporting|importing|sending|loading|resolving provenance)|\[auth\]/

function stepsOf(stderr: string): string[] {
  const steps = new Map<string, boolean>()
  for (const line of stderr.split('\n')) {
    if (!line.startsWith('{')) continue
    const { vertexes = [] } = JSON.parse(line) as { vertexes?: readonly Vertex[] }
    for (const { name, error } of vertexes) {
      // Which of several targets names a step that they share is chance.
      const plain = name.replace(/^\[[^\]]*\] (?=\S)/, prefix =>
        prefix.includes('internal') ? '[internal] ' : '',
      )
      if (!isOwn.test(plain)) steps.set(plain, (steps.get(plain) ?? false) || (error ?? '') !== '')
    }
  }
  return [...steps].map(([name, failed]) => (failed ? `${name} !` : name)).sort()
}
