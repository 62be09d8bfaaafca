import { ConversionError, convertValue } from '../../hcl/value/convert.ts'
import { boolType, listType, stringType, type Type } from '../../hcl/value/type.ts'
import { asArray, asMap, asText, isKnown, isNull, type Value } from '../../hcl/value/value.ts'
import type { Target } from '../target.ts'
import {
  decodeAttests,
  decodeCaches,
  decodeExports,
  decodePolicies,
  decodeResources,
  decodeSecrets,
  decodeSsh,
  textMap,
} from './decode-entries.ts'

/** What the attributes of a block decode to: fields of a target, or of a group. */
export type BlockFields = { -readonly [K in keyof Target]?: Target[K] } & { targets?: readonly string[] }

/** An attribute of a block type. */
export interface AttributeSchema {
  readonly name: string
  readonly required?: boolean
  /** Puts the value into the fields; throws a `ConversionError` or `SlipwayError` for a value that does not fit. */
  readonly decode: (v: Value, fields: BlockFields) => void
}

function notNull(v: Value): Value {
  if (!isKnown(v)) throw new ConversionError('value must be known')
  if (isNull(v)) throw new ConversionError('null value is not allowed')
  return v
}

function convertTo<K extends keyof BlockFields>(
  name: string,
  field: K,
  type: Type,
  read: (v: Value) => BlockFields[K],
): AttributeSchema {
  return {
    name,
    decode: (v, fields) => {
      const converted = convertValue(v, type)
      if (!isKnown(converted)) throw new ConversionError('value must be known')
      if (isNull(converted)) delete fields[field]
      else fields[field] = read(converted)
    },
  }
}

function entries<K extends keyof BlockFields>(
  name: string,
  field: K,
  read: (v: Value) => BlockFields[K],
): AttributeSchema {
  return { name, decode: (v, fields) => void (fields[field] = read(notNull(v))) }
}

const texts = (v: Value): string[] => asArray(v).map(e => asText(notNull(e)))
const optionalTexts = (v: Value): Map<string, string | undefined> =>
  new Map([...asMap(v)].map(([k, e]) => [k, isNull(e) ? undefined : asText(notNull(e))]))
const requiredTexts = (v: Value): Map<string, string> =>
  new Map([...asMap(v)].map(([k, e]) => [k, asText(notNull(e))]))
const list = listType(stringType)
const description: AttributeSchema = {
  name: 'description',
  decode: (v, fields) => void (fields.description = asText(notNull(convertValue(v, stringType)))),
}

/** Attributes of a `target` block. */
export const targetSchema: readonly AttributeSchema[] = [
  description,
  convertTo('inherits', 'inherits', list, texts),
  convertTo('annotations', 'annotations', list, texts),
  entries('attest', 'attest', decodeAttests),
  convertTo('context', 'context', stringType, asText),
  convertTo('contexts', 'contexts', textMap, requiredTexts),
  convertTo('dockerfile', 'dockerfile', stringType, asText),
  convertTo('dockerfile-inline', 'dockerfileInline', stringType, asText),
  convertTo('args', 'args', textMap, optionalTexts),
  convertTo('labels', 'labels', textMap, optionalTexts),
  convertTo('tags', 'tags', list, texts),
  entries('cache-from', 'cacheFrom', decodeCaches),
  entries('cache-to', 'cacheTo', decodeCaches),
  convertTo('target', 'target', stringType, asText),
  entries('secret', 'secrets', decodeSecrets),
  entries('ssh', 'ssh', decodeSsh),
  convertTo('platforms', 'platforms', list, texts),
  entries('output', 'outputs', decodeExports),
  convertTo('pull', 'pull', boolType, v => v.content === true),
  convertTo('no-cache', 'noCache', boolType, v => v.content === true),
  convertTo('network', 'network', stringType, asText),
  convertTo('no-cache-filter', 'noCacheFilter', list, texts),
  convertTo('shm-size', 'shmSize', stringType, asText),
  convertTo('ulimits', 'ulimits', list, texts),
  entries('resources', 'resources', decodeResources),
  convertTo('call', 'call', stringType, asText),
  convertTo('entitlements', 'entitlements', list, texts),
  convertTo('extra-hosts', 'extraHosts', textMap, optionalTexts),
  entries('policy', 'policy', decodePolicies),
]

/** Attributes of a `group` block. */
export const groupSchema: readonly AttributeSchema[] = [
  description,
  { ...convertTo('targets', 'targets', list, texts), required: true },
]
