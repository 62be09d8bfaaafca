import { boolType, listType, stringType, type Type } from '../../hcl/value/type.ts'
import {
  boolValue,
  integerValue,
  listValue,
  mapValue,
  nullValue,
  objectValue,
  stringValue,
  type Value,
} from '../../hcl/value/value.ts'
import { isNumericResource, resourceNames, type Resources } from '../attrs/resources.ts'
import type { OptionalTexts, Target } from '../target.ts'
import type { BlockFields } from './block-schema.ts'
import { resourcesType, secretType, sshType, textMap } from './decode-entries.ts'

const list = listType(stringType)
const text = (v: string | undefined): Value => (v === undefined ? nullValue(stringType) : stringValue(v))
const flag = (v: boolean | undefined): Value => (v === undefined ? nullValue(boolType) : boolValue(v))
const texts = (v: readonly string[] | undefined): Value =>
  v === undefined ? nullValue(list) : listValue(v.map(stringValue), stringType)
const map = (v: OptionalTexts | undefined): Value =>
  v === undefined ? nullValue(textMap) : mapValue(new Map([...v].map(([k, e]) => [k, text(e)])), stringType)
const pairs = (entries: readonly (readonly [string, string])[]): Value =>
  mapValue(new Map(entries.map(([k, v]) => [k, stringValue(v)])), stringType)

function listOf<T>(entries: readonly T[] | undefined, element: Type, write: (entry: T) => Value): Value {
  return listValue((entries ?? []).map(write), element)
}

function resources(r: Resources | undefined): Value {
  if (r === undefined) return nullValue(resourcesType)
  const fields = resourceNames.map((name): [string, Value] => {
    const value = r[name]
    if (value === undefined)
      return [name, nullValue(isNumericResource(name) ? { kind: 'number' } : stringType)]
    return [name, typeof value === 'bigint' ? integerValue(value) : stringValue(value)]
  })
  return objectValue(new Map(fields))
}

/** A group as other expressions see it (`group.x.targets`). */
export function groupValue(name: string, fields: BlockFields): Value {
  return objectValue(
    new Map([
      ['name', stringValue(name)],
      ['description', stringValue(fields.description ?? '')],
      ['targets', texts(fields.targets)],
    ]),
  )
}

/** A target as other expressions see it (`target.x.args`): every attribute, null where nothing was said. */
export function targetValue(name: string, t: BlockFields | Target): Value {
  const secret = (id: string, src = '', env = ''): Value =>
    objectValue(
      new Map([
        ['id', stringValue(id)],
        ['src', stringValue(src)],
        ['env', stringValue(env)],
      ]),
    )
  return objectValue(
    new Map<string, Value>([
      ['name', stringValue(name)],
      ['description', stringValue(t.description ?? '')],
      ['inherits', texts(t.inherits)],
      ['annotations', texts(t.annotations)],
      [
        'attest',
        listOf(t.attest, textMap, a =>
          pairs([
            ...Object.entries(a.attributes),
            ['type', a.type],
            ...(a.disabled ? [['disabled', 'true'] as const] : []),
          ]),
        ),
      ],
      ['context', text(t.context)],
      ['contexts', map(t.contexts)],
      ['dockerfile', text(t.dockerfile)],
      ['dockerfile-inline', text(t.dockerfileInline)],
      ['args', map(t.args)],
      ['labels', map(t.labels)],
      ['tags', texts(t.tags)],
      [
        'cache-from',
        listOf(t.cacheFrom, textMap, c => pairs([...Object.entries(c.attributes), ['type', c.type]])),
      ],
      [
        'cache-to',
        listOf(t.cacheTo, textMap, c => pairs([...Object.entries(c.attributes), ['type', c.type]])),
      ],
      ['target', text(t.target)],
      ['secret', listOf(t.secrets, secretType, s => secret(s.id, s.source, s.env))],
      [
        'ssh',
        listOf(t.ssh, sshType, s =>
          objectValue(
            new Map([
              ['id', stringValue(s.id)],
              ['paths', listValue(s.paths.map(stringValue), stringType)],
            ]),
          ),
        ),
      ],
      ['platforms', texts(t.platforms)],
      [
        'output',
        listOf(t.outputs, textMap, o =>
          pairs([...Object.entries(o.attributes), ['type', o.type], ['dest', o.destination ?? '']]),
        ),
      ],
      ['pull', flag(t.pull)],
      ['no-cache', flag(t.noCache)],
      ['network', text(t.network)],
      ['no-cache-filter', texts(t.noCacheFilter)],
      ['shm-size', text(t.shmSize)],
      ['ulimits', texts(t.ulimits)],
      ['resources', resources(t.resources)],
      ['call', text(t.call)],
      ['entitlements', texts(t.entitlements)],
      ['extra-hosts', map(t.extraHosts)],
      ['policy', listOf(t.policy, textMap, p => pairs(policyPairs(p)))],
    ]),
  )
}

function policyPairs(p: NonNullable<Target['policy']>[number]): [string, string][] {
  const out: [string, string][] = []
  if (p.files[0] !== undefined) out.push(['filename', p.files[0]])
  if (p.reset) out.push(['reset', 'true'])
  if (p.disabled) out.push(['disabled', 'true'])
  if (p.strict !== undefined) out.push(['strict', String(p.strict)])
  if (p.logLevel !== undefined) out.push(['log-level', p.logLevel])
  return out
}
