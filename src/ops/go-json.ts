import type { DescField, DescMessage, DescOneof, Message } from '@bufbuild/protobuf'
import { reflect, type ReflectMessage } from '@bufbuild/protobuf/reflect'
import { jsonString as quoteJson } from '../gostd/json.ts'

/**
 * A protobuf message as Go's encoding/json writes the generated struct: fields in order of their numbers, proto names,
 * zero values left out, enums as numbers, bytes as base64. BuildKit hashes this form into cache keys, so caches can be
 * exchanged only where it agrees to the byte.
 */
export function goJson<D extends DescMessage>(schema: D, message: Message<string>): string {
  return messageJson(reflect(schema, message as never))
}

function messageJson(message: ReflectMessage): string {
  const members: { number: number; text: string }[] = []
  const seen = new Set<DescOneof>()
  for (const field of [...message.fields].sort((a, b) => a.number - b.number)) {
    if (field.oneof !== undefined) {
      if (seen.has(field.oneof)) continue
      seen.add(field.oneof)
      members.push({ number: field.number, text: oneofJson(message, field.oneof) })
      continue
    }
    const text = fieldJson(message, field)
    if (text !== undefined) members.push({ number: field.number, text: `${quoteJson(field.name)}:${text}` })
  }
  return `{${members.map(member => member.text).join(',')}}`
}

const goName = (name: string): string =>
  name.replace(/(^|_)([a-zA-Z])/g, (_all, _sep, letter: string) => letter.toUpperCase())

/** Go keeps a oneof as an interface: its wrapper struct has one field, named as in Go, never left out. */
function oneofJson(message: ReflectMessage, oneof: DescOneof): string {
  const name = quoteJson(goName(oneof.name))
  const field = message.oneofCase(oneof)
  if (field === undefined) return `${name}:null`
  const value = fieldJson(message, field) ?? zeroJson(field)
  return `${name}:{${quoteJson(goName(field.name))}:${value}}`
}

function zeroJson(field: DescField): string {
  if (field.fieldKind === 'scalar' && field.scalar === 9) return '""'
  if (field.fieldKind === 'scalar' && field.scalar === 8) return 'false'
  return field.fieldKind === 'message' ? 'null' : '0'
}

function fieldJson(message: ReflectMessage, field: DescField): string | undefined {
  if (!message.isSet(field)) return undefined
  switch (field.fieldKind) {
    case 'message':
      return messageJson(message.get(field))
    case 'list': {
      const list = message.get(field)
      if (list.size === 0) return undefined
      const items = [...list].map(item =>
        field.listKind === 'message' ? messageJson(item as ReflectMessage) : scalarJson(item),
      )
      return `[${items.join(',')}]`
    }
    case 'map': {
      const map = message.get(field)
      const keys = [...map.keys()].map(String).sort()
      const items = keys.map(key => `${quoteJson(key)}:${scalarJson(map.get(key))}`)
      return items.length === 0 ? undefined : `{${items.join(',')}}`
    }
    case 'enum':
      return String(message.get(field))
    case 'scalar':
      return scalarJson(message.get(field))
    default:
      return field satisfies never
  }
}

function scalarJson(value: unknown): string {
  if (value instanceof Uint8Array) return `"${Buffer.from(value).toString('base64')}"`
  if (typeof value === 'string') return quoteJson(value)
  return String(value)
}
