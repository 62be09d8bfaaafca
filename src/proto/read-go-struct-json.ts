import { create, type DescField, type DescMessage, type MessageShape, ScalarType } from '@bufbuild/protobuf'
import { SlipwayError } from '../errors/slipway-error.ts'

/**
 * A message from the form that Go's encoding/json gives the generated struct, the other way round of `goStructJson`; messages
 * with oneofs are not covered. Unknown members are dropped. Throws `invalid-argument` for what does not fit.
 */
export function readGoStructJson<D extends DescMessage>(schema: D, json: unknown): MessageShape<D> {
  try {
    return create(schema, initOf(schema, json) as never)
  } catch (e) {
    if (!(e instanceof TypeError || e instanceof SyntaxError || e instanceof RangeError)) throw e
    throw new SlipwayError('invalid-argument', `not a ${schema.name}: ${e.message}`, { cause: e })
  }
}

/** Deeper messages are no messages of ours. */
const deepest = 32

function initOf(schema: DescMessage, json: unknown, depth = 0): Record<string, unknown> {
  const object = objectOf(json)
  if (depth > deepest) throw new RangeError('it is too deep')
  const init: Record<string, unknown> = {}
  for (const field of schema.fields) {
    const value = Object.hasOwn(object, field.name) ? object[field.name] : undefined
    if (value !== undefined && value !== null) init[field.localName] = fieldOf(field, value, depth)
  }
  return init
}

function fieldOf(field: DescField, value: unknown, depth: number): unknown {
  switch (field.fieldKind) {
    case 'message':
      return initOf(field.message, value, depth + 1)
    case 'list':
      if (!Array.isArray(value)) throw new TypeError(`${field.name} is no list`)
      return value.map(item => itemOf(field, item, depth))
    case 'map': {
      const entries = Object.entries(objectOf(value))
      return Object.fromEntries(entries.map(([key, item]) => [key, itemOf(field, item, depth)]))
    }
    case 'enum':
      return Number(value)
    case 'scalar':
      return scalarOf(field.scalar, value)
    default:
      return field satisfies never
  }
}

function itemOf(field: DescField & { fieldKind: 'list' | 'map' }, item: unknown, depth: number): unknown {
  if (field.message !== undefined) return initOf(field.message, item, depth + 1)
  return field.scalar === undefined ? Number(item) : scalarOf(field.scalar, item)
}

function scalarOf(type: ScalarType, value: unknown): unknown {
  switch (type) {
    case ScalarType.STRING:
      if (typeof value !== 'string') throw new TypeError('a text is no text')
      return value
    case ScalarType.BOOL:
      return value === true
    case ScalarType.BYTES:
      return new Uint8Array(Buffer.from(String(value), 'base64'))
    case ScalarType.INT64:
    case ScalarType.UINT64:
    case ScalarType.SINT64:
    case ScalarType.FIXED64:
    case ScalarType.SFIXED64:
      return BigInt(value as number)
    default:
      return Number(value)
  }
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new TypeError('no object')
  return value as Readonly<Record<string, unknown>>
}
