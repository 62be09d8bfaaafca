import { goJson, type JsonValue } from '../gostd/json.ts'
import { compareText } from '../hcl/value/compare-text.ts'
import { resourceNames, type Resources } from './attrs/resources.ts'
import type { Attributes } from './attrs/attribute-csv.ts'
import type { Group, OptionalTexts, Target } from './target.ts'

/** Groups and targets as `--print` shows them: JSON with an indentation of 2 and a newline at the end. */
export function printDefinition(
  groups: ReadonlyMap<string, Group>,
  targets: ReadonlyMap<string, Target>,
): string {
  return `${goJson(definitionJson(groups, targets), { indent: '  ' })}\n`
}

/** The JSON value that `--print` writes, for callers that add to it. */
export function definitionJson(
  groups: ReadonlyMap<string, Group>,
  targets: ReadonlyMap<string, Target>,
): { [key: string]: JsonValue } {
  const group = sorted(groups).map(([name, g]) => [name, groupJson(g)] as const)
  return {
    group: group.length === 0 ? undefined : new Map(group),
    target: new Map(sorted(targets).map(([name, t]) => [name, targetJson(t)] as const)),
  }
}

function groupJson(g: Group): JsonValue {
  const isNull = g.isNull === true && g.targets.length === 0
  return { description: g.description === '' ? undefined : g.description, targets: isNull ? null : g.targets }
}

/** A target as JSON, in the order of bake's fields; what is empty is left out. */
export function targetJson(t: Target): JsonValue {
  return {
    description: t.description === '' ? undefined : t.description,
    inherits: filled(t.inherits),
    annotations: filled(t.annotations?.map(escape)),
    attest: filled(
      t.attest?.map(a => entryJson(a.attributes, { type: a.type, disabled: a.disabled ? true : undefined })),
    ),
    context: t.context,
    contexts: textsJson(t.contexts, v => v),
    dockerfile: t.dockerfile,
    'dockerfile-inline': t.dockerfileInline === undefined ? undefined : escape(t.dockerfileInline),
    args: textsJson(t.args),
    labels: textsJson(t.labels),
    tags: filled(t.tags),
    'cache-from': filled(t.cacheFrom?.map(c => entryJson(c.attributes, { type: c.type }))),
    'cache-to': filled(t.cacheTo?.map(c => entryJson(c.attributes, { type: c.type }))),
    target: t.target,
    secret: filled(t.secrets?.map(s => ({ id: s.id === '' ? undefined : s.id, src: s.source, env: s.env }))),
    ssh: filled(t.ssh?.map(s => ({ id: s.id === '' ? undefined : s.id, paths: filled(s.paths) }))),
    platforms: filled(t.platforms),
    output: filled(t.outputs?.map(o => entryJson(o.attributes, { type: o.type, dest: o.destination }))),
    pull: t.pull,
    'no-cache': t.noCache,
    network: t.network,
    'no-cache-filter': filled(t.noCacheFilter),
    'shm-size': t.shmSize,
    ulimits: filled(t.ulimits),
    resources: t.resources === undefined ? undefined : resourcesJson(t.resources),
    call: t.call,
    entitlements: filled(t.entitlements),
    'extra-hosts': textsJson(t.extraHosts),
    policy: filled(t.policy?.map(policyJson)),
  }
}

function policyJson(p: NonNullable<Target['policy']>[number]): JsonValue {
  return {
    Files: p.files.length === 0 ? null : p.files.map(f => ({ Filename: f, Data: null })),
    Reset: p.reset,
    Disabled: p.disabled,
    Strict: p.strict ?? null,
    LogLevel: p.logLevel ?? null,
  }
}

/** Text that may be read as a template again: the openers of template sequences are doubled. */
function escape(text: string): string {
  return text.replace(/[$%]\{/g, opener => opener[0] + opener)
}

function filled<T>(values: readonly T[] | undefined): readonly T[] | undefined {
  return values === undefined || values.length === 0 ? undefined : values
}

function textsJson(texts: OptionalTexts | undefined, write: (text: string) => string = escape): JsonValue {
  if (texts === undefined || texts.size === 0) return undefined
  return new Map(sorted(texts).map(([k, v]) => [k, v === undefined ? null : write(v)] as const))
}

function entryJson(attributes: Attributes, own: Readonly<Record<string, JsonValue>>): JsonValue {
  const all = [...Object.entries(attributes), ...Object.entries(own).filter(([, v]) => v !== undefined)]
  return new Map(sorted(new Map<string, JsonValue>(all)))
}

function resourcesJson(r: Resources): JsonValue {
  return new Map(resourceNames.filter(name => r[name] !== undefined).map(name => [name, r[name]] as const))
}

function sorted<T>(entries: ReadonlyMap<string, T>): (readonly [string, T])[] {
  return [...entries].sort((a, b) => compareText(a[0], b[0]))
}
