import { SlipwayError } from '../../errors/slipway-error.ts'
import { quote } from '../../gostd/quote.ts'
import { compareText } from '../../hcl/value/compare-text.ts'
import { isYamlList, isYamlMap, scalarText, type YamlMap, type YamlValue } from './yaml-value.ts'

type Kind = 'string' | 'boolean' | 'integer' | 'number' | 'null' | 'mapping'

/** A value of one of some scalar types, a list, a mapping, or one of several of these. */
type Shape =
  | { readonly types: readonly Kind[] }
  | { readonly list: Shape; readonly distinct?: boolean }
  | {
      readonly fields?: Readonly<Record<string, Shape>>
      readonly names?: RegExp
      readonly values?: Shape
      readonly open?: boolean
      readonly required?: readonly string[]
    }
  | { readonly oneOf: readonly Shape[] }

const text: Shape = { types: ['string'] }
const texts: Shape = { list: text }
const flag: Shape = { types: ['boolean', 'string'] }
const size: Shape = { types: ['integer', 'string'] }
const listOrMap: Shape = {
  oneOf: [
    { names: /./, values: { types: ['string', 'number', 'boolean', 'null'] } },
    { list: text, distinct: true },
  ],
}

const build: Shape = {
  fields: {
    context: text,
    dockerfile: text,
    dockerfile_inline: text,
    entitlements: texts,
    args: listOrMap,
    ssh: listOrMap,
    labels: listOrMap,
    cache_from: texts,
    cache_to: texts,
    no_cache: flag,
    no_cache_filter: { oneOf: [text, { list: text, distinct: true }] },
    additional_contexts: listOrMap,
    network: text,
    provenance: flag,
    sbom: flag,
    pull: flag,
    target: text,
    shm_size: size,
    extra_hosts: {
      oneOf: [
        { names: /./, values: { oneOf: [text, texts] } },
        { list: text, distinct: true },
      ],
    },
    isolation: text,
    privileged: flag,
    secrets: {
      list: {
        fields: { source: text, target: text, uid: text, gid: text, mode: { types: ['number', 'string'] } },
      },
    },
    tags: texts,
    ulimits: {
      open: true,
      names: /^[a-z]+$/,
      values: { oneOf: [size, { fields: { hard: size, soft: size }, required: ['soft', 'hard'] }] },
    },
    platforms: texts,
  },
}

const envFile: Shape = { fields: { path: text, format: text, required: flag }, required: ['path'] }

const project: Shape = {
  fields: {
    services: {
      names: /^[a-zA-Z0-9._-]+$/,
      values: {
        fields: {
          build,
          image: text,
          environment: listOrMap,
          env_file: { list: { oneOf: [text, envFile] } },
        },
      },
    },
    secrets: {
      names: /^[a-zA-Z0-9._-]+$/,
      values: {
        fields: {
          name: text,
          environment: text,
          file: text,
          external: { types: ['boolean', 'mapping', 'string'] },
          labels: listOrMap,
          driver: text,
          driver_opts: { open: true, names: /./, values: { types: ['string', 'number'] } },
          template_driver: text,
        },
      },
    },
  },
}

/** A violation: where, what, and how deep (the deepest one is reported). */
interface Violation {
  readonly depth: number
  readonly message: string
}

/**
 * Checks the services and secrets of a project, in their long forms, against what the compose specification allows
 * there; throws `invalid-argument` for the most specific violation.
 * @see https://github.com/compose-spec/compose-spec/blob/main/schema/compose-spec.json
 */
export function checkSchema(model: YamlMap): void {
  refuseNonNumbers(model)
  const [first, ...others] = violations(model, project, [])
  if (first === undefined) return
  const worst = others.reduce((a, b) => (b.depth > a.depth ? b : a), first)
  throw new SlipwayError('invalid-argument', worst.message)
}

/** JSON, as which the model is checked, has no infinite numbers. */
function refuseNonNumbers(value: YamlValue): void {
  if (typeof value === 'number' && !Number.isFinite(value))
    throw new SlipwayError('invalid-argument', `json: unsupported value: ${scalarText(value)}`)
  if (isYamlList(value)) value.forEach(refuseNonNumbers)
  else if (isYamlMap(value)) for (const [, member] of inOrder(value)) refuseNonNumbers(member)
}

function inOrder(value: YamlMap): [string, YamlValue][] {
  return [...value].sort(([a], [b]) => compareText(a, b))
}

function violations(value: YamlValue, shape: Shape, path: readonly string[]): Violation[] {
  if ('oneOf' in shape) {
    const found = shape.oneOf.map(s => violations(value, s, path))
    return found.some(v => v.length === 0) ? [] : found.flat()
  }
  if ('types' in shape) {
    return isOf(value, shape.types) ? [] : [mustBe(path, typeNames(shape.types))]
  }
  if ('list' in shape) {
    if (!isYamlList(value)) return [mustBe(path, 'array')]
    const found = value.flatMap((v, i) => violations(v, shape.list, [...path, String(i)]))
    const second = shape.distinct === true ? value.findIndex((v, i) => value.indexOf(v) < i) : -1
    if (second >= 0) {
      const first = value.indexOf(value[second] as YamlValue)
      found.push({
        depth: path.length,
        message: `${path.join('.')} items at ${first} and ${second} are equal`,
      })
    }
    return found
  }
  if (!isYamlMap(value)) return [mustBe(path, 'mapping')]
  const unknown: string[] = []
  const found: Violation[] = []
  // Go reads the members of JSON objects in this order, most of the time.
  for (const [key, inner] of inOrder(value)) {
    const field =
      shape.fields !== undefined && Object.hasOwn(shape.fields, key) ? shape.fields[key] : undefined
    const wanted = field ?? (shape.names?.test(key) === true ? shape.values : undefined)
    if (wanted !== undefined) for (const v of violations(inner, wanted, [...path, key])) found.push(v)
    else if (shape.open !== true && !key.startsWith('x-')) unknown.push(key)
  }
  if (unknown.length > 0) {
    const names = unknown.map(quoted).join(', ')
    found.push({
      depth: path.length + 1,
      message: `${path.join('.')} additional properties ${names} not allowed`,
    })
  }
  const missing = (shape.required ?? []).filter(key => !value.has(key))
  if (missing.length > 0) {
    const names = missing.map(quoted).join(', ')
    found.push({
      depth: path.length,
      message: `${path.join('.')} missing ${missing.length === 1 ? 'property' : 'properties'} ${names}`,
    })
  }
  return found
}

function isOf(value: YamlValue, types: readonly Kind[]): boolean {
  return types.some(type => {
    switch (type) {
      case 'null':
        return value === null
      case 'mapping':
        return isYamlMap(value)
      case 'integer':
        return typeof value === 'bigint' || (typeof value === 'number' && Number.isInteger(value))
      case 'number':
        return typeof value === 'bigint' || typeof value === 'number'
      default:
        return typeof value === type
    }
  })
}

function mustBe(path: readonly string[], what: string): Violation {
  return { depth: path.length, message: `${path.join('.')} must be a ${what}` }
}

function typeNames(types: readonly Kind[]): string {
  const sorted = [...types].sort()
  return sorted.length === 1 ? String(sorted[0]) : `${sorted.slice(0, -1).join(', ')} or ${sorted.at(-1)}`
}

/** A text in single quotes, escaped as Go's JSON schema library does it, which strips a backslash before the last quote. */
function quoted(text: string): string {
  return `'${quote(text).replaceAll('\\"', '"').replaceAll("'", "\\'").slice(1, -1)}'`
}
