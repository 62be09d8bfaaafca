import { ConversionError, convertValue } from '../../hcl/value/convert.ts'
import { mismatchMessage } from '../../hcl/value/mismatch.ts'
import { numberText } from '../../hcl/value/format-float.ts'
import { valueToJson } from '../../hcl/value/json-value.ts'
import { isIntegral, truncateFloat } from '../../hcl/value/big-float.ts'
import { listType, mapType, numberType, objectType, stringType, type Type } from '../../hcl/value/type.ts'
import { asArray, asFloat, asMap, asText, isKnown, isNull, type Value } from '../../hcl/value/value.ts'
import { type AttestEntry, makeAttestEntry, parseAttestEntry } from '../attrs/attest-entry.ts'
import { type CacheEntry, makeCacheEntry, parseCacheEntries } from '../attrs/cache-entry.ts'
import { type ExportEntry, makeExportEntry, parseExportEntry } from '../attrs/export-entry.ts'
import { makePolicyEntry, type PolicyEntry, parsePolicyEntry } from '../attrs/policy-entry.ts'
import { isNumericResource, resourceNames, type Resources } from '../attrs/resources.ts'
import { makeSecretEntry, parseSecretEntry, type SecretEntry } from '../attrs/secret-entry.ts'
import { parseSshEntry, type SshEntry } from '../attrs/ssh-entry.ts'

/** The type of an entry that is a map of texts. */
export const textMap = mapType(stringType)

function optionalObject(fields: readonly (readonly [string, Type])[]): Type {
  return objectType(new Map(fields), new Set(fields.map(([name]) => name)))
}

/** The type of a secret. */
export const secretType = optionalObject([
  ['id', stringType],
  ['src', stringType],
  ['env', stringType],
])
/** The type of an SSH entry. */
export const sshType = optionalObject([
  ['id', stringType],
  ['paths', listType(stringType)],
])
/** The type of resource limits. */
export const resourcesType = optionalObject(
  resourceNames.map(n => [n, isNumericResource(n) ? numberType : stringType]),
)

/** The elements of a list or tuple that say something: no empty texts, nothing unknown. */
function elements(v: Value, element: Type): Value[] {
  if (v.type.kind !== 'list' && v.type.kind !== 'tuple')
    throw new ConversionError(mismatchMessage(v.type, listType(element)))
  return asArray(v).filter(e => isKnown(e) && !(e.type.kind === 'string' && e.content === ''))
}

function isText(v: Value): boolean {
  return v.type.kind === 'string'
}

/** A text of a string; what is null or unknown is refused. */
function requireText(v: Value): string {
  if (!isKnown(v)) throw new ConversionError('value must be known')
  if (isNull(v)) throw new ConversionError('null value is not allowed')
  return asText(v)
}

/** The known entries of a value that converts to a map of texts. */
function textPairs(v: Value): [string, string][] {
  const map = convertValue(v, textMap)
  if (isNull(map)) throw new ConversionError('null value is not allowed')
  return [...asMap(map)].filter(([, e]) => isKnown(e)).map(([k, e]) => [k, requireText(e)])
}

/** Outputs from texts and objects. */
export function decodeExports(v: Value): ExportEntry[] {
  return elements(v, textMap).map(e =>
    isText(e) ? parseExportEntry(requireText(e)) : makeExportEntry(textPairs(e)),
  )
}

/** Caches from texts and objects. */
export function decodeCaches(v: Value): CacheEntry[] {
  return elements(v, textMap).flatMap(e =>
    isText(e) ? parseCacheEntries([requireText(e)]) : [makeCacheEntry(textPairs(e), valueToJson(e))],
  )
}

/** Attestations from texts and objects. */
export function decodeAttests(v: Value): AttestEntry[] {
  return elements(v, textMap).map(e =>
    isText(e) ? parseAttestEntry(requireText(e)) : makeAttestEntry(textPairs(e)),
  )
}

function objectTexts(v: Value, type: Type): (name: string) => string {
  const fields = asMap(convertValue(v, type))
  return name => {
    const field = fields.get(name)
    return field === undefined || isNull(field) || !isKnown(field) ? '' : asText(field)
  }
}

/** Secrets from texts and objects. */
export function decodeSecrets(v: Value): SecretEntry[] {
  return elements(v, secretType).map(e => {
    if (isText(e)) return parseSecretEntry(requireText(e))
    const text = objectTexts(e, secretType)
    return makeSecretEntry(text('id'), text('src'), text('env'))
  })
}

/** SSH entries from texts and objects. */
export function decodeSsh(v: Value): SshEntry[] {
  return elements(v, sshType).map(e => {
    if (isText(e)) return parseSshEntry(requireText(e))
    const paths = asMap(convertValue(e, sshType)).get('paths')
    const given = paths === undefined || isNull(paths) || !isKnown(paths) ? [] : asArray(paths)
    return { id: objectTexts(e, sshType)('id'), paths: given.map(requireText) }
  })
}

/** Policies from texts and objects. */
export function decodePolicies(v: Value): PolicyEntry[] {
  return elements(v, textMap).map(e => {
    if (isText(e)) return parsePolicyEntry(requireText(e))
    if (e.type.kind !== 'object' && e.type.kind !== 'map')
      throw new ConversionError(mismatchMessage(e.type, textMap))
    return makePolicyEntry([...asMap(e)].flatMap(([key, field]) => policyField(key, field)))
  })
}

function policyField(key: string, v: Value): string[] {
  if (isNull(v) || !isKnown(v) || v.content === '') return []
  if (v.type.kind === 'number') return [`${key}=${numberText(asFloat(v))}`]
  if (v.type.kind === 'bool' || v.type.kind === 'string')
    return [`${key}=${String(v.content as string | boolean)}`]
  throw new ConversionError(mismatchMessage(v.type, stringType))
}

/** Resource limits from an object. */
export function decodeResources(v: Value): Resources {
  const fields = asMap(convertValue(v, resourcesType))
  const out: Record<string, string | bigint> = {}
  for (const name of resourceNames) {
    const field = fields.get(name)
    if (field !== undefined && !isNull(field) && isKnown(field))
      out[name] = isNumericResource(name) ? wholeNumber(field) : asText(field)
  }
  return out as Resources
}

function wholeNumber(v: Value): bigint {
  const float = asFloat(v)
  const whole = isIntegral(float) ? truncateFloat(float) : undefined
  if (whole === undefined || BigInt.asIntN(64, whole) !== whole) {
    throw new ConversionError(`value must be a whole number, between ${-(2n ** 63n)} and ${2n ** 63n - 1n}`)
  }
  return whole
}
