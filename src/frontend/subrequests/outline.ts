import type { StageBuild } from '../../dockerfile/convert/stage-build.ts'
import type { Range } from '../../errors/source-range.ts'
import { goJson, type JsonValue } from '../../gostd/json.ts'
import { tabulate } from '../../gostd/tabwriter.ts'
import { locationJson } from './location-json.ts'
import { requests } from './request.ts'

interface Arg {
  readonly name: string
  readonly description: string
  readonly value: string
  readonly ranges: readonly Range[]
}

interface Mount {
  readonly name: string
  readonly required: boolean
  readonly ranges: readonly Range[]
}

/** The facts that answer `frontend.outline`: what the target, and the stages it needs, take from the one who builds. */
export function outlineOf(target: StageBuild, dockerfile: Uint8Array): Record<string, string> {
  const args = collect(target, argsOf)
  const secrets = collect(target, build => mountsOf(build.outline.secrets))
  const ssh = collect(target, build => mountsOf(build.outline.ssh))
  const name = target.stage?.name ?? ''
  const description = target.stage?.description ?? ''
  const json: JsonValue = {
    name: name || undefined,
    description: description || undefined,
    args: filled(args.map(argJson)),
    secrets: filled(secrets.map(mountJson)),
    ssh: filled(ssh.map(mountJson)),
    sources: [dockerfile],
  }
  const text = [
    headText(name, description),
    tableText(
      'BUILD ARG\tVALUE\tDESCRIPTION',
      args.map(arg => `${arg.name}\t${arg.value}\t${arg.description}`),
    ),
    tableText('SECRET\tREQUIRED', secrets.map(mountRow)),
    tableText('SSH\tREQUIRED', ssh.map(mountRow)),
  ]
  return {
    'result.json': goJson(json, { indent: '  ' }),
    'result.txt': text.join(''),
    version: requests.outline.version,
  }
}

/** Facts of a stage, then of its base and of what it copies from, each name once, by line. */
function collect<T extends { readonly name: string; readonly ranges: readonly Range[] }>(
  target: StageBuild,
  of: (build: StageBuild) => readonly T[],
): T[] {
  const found = new Map<string, T>()
  const seen = new Set<StageBuild>()
  const open = [target]
  for (let build = open.pop(); build !== undefined; build = open.pop()) {
    if (seen.has(build)) continue
    seen.add(build)
    for (const item of of(build)) if (!found.has(item.name)) found.set(item.name, item)
    open.push(...[...build.dependencies.keys()].reverse())
    if (build.parent !== undefined) open.push(build.parent)
  }
  return [...found.values()].sort((a, b) => firstLine(a.ranges) - firstLine(b.ranges))
}

function argsOf(build: StageBuild): Arg[] {
  build.outline.spreadUse()
  return [...build.outline.used].flatMap(name => {
    const use = build.outline.args.get(name)
    if (use === undefined) return []
    return [{ name, description: use.definition.description, value: use.value, ranges: use.ranges }]
  })
}

function mountsOf(mounts: ReadonlyMap<string, Omit<Mount, 'name'>>): Mount[] {
  return Array.from(mounts, ([name, { required, ranges }]) => ({ name, required, ranges }))
}

function argJson({ name, description, value, ranges }: Arg): JsonValue {
  return {
    name,
    description: description || undefined,
    value: value || undefined,
    location: ranges.length === 0 ? undefined : locationJson(ranges),
  }
}

function mountJson({ name, required, ranges }: Mount): JsonValue {
  return {
    name,
    required: required || undefined,
    location: ranges.length === 0 ? undefined : locationJson(ranges),
  }
}

function mountRow({ name, required }: Mount): string {
  return `${name}\t${required ? 'true' : ''}`
}

function headText(name: string, description: string): string {
  if (name === '' && description === '') return ''
  const second = description === '' ? '' : `DESCRIPTION:\t${description}\n`
  return `${tabulate(`TARGET:\t${name || '(default)'}\n${second}`)}\n`
}

function tableText(head: string, rows: readonly string[]): string {
  if (rows.length === 0) return ''
  return `${tabulate(`${[head, ...rows].join('\n')}\n`, { padding: 3 })}\n`
}

function filled(list: readonly JsonValue[]): JsonValue {
  return list.length === 0 ? undefined : list
}

function firstLine(ranges: readonly Range[]): number {
  return ranges[0]?.start.line ?? 0
}
