import type { DescField, DescMessage, Message } from '@bufbuild/protobuf'
import { reflect, type ReflectMessage } from '@bufbuild/protobuf/reflect'
import type { JsonValue } from '../gostd/json.ts'

/**
 * A message in the form of Go's encoding/json of the generated struct: proto names, zero values left out, enums as
 * numbers, bytes as base64; oneofs of LLB as objects, as provenance has them. Source:
 * https://github.com/moby/buildkit/blob/v0.32.2/solver/pb/json.go
 */
export function goStructJson<D extends DescMessage>(schema: D, message: Message<string>): JsonValue {
  return messageJson(reflect(schema, message as never))
}

/** Fields that are written even where they are zero. */
const always: Readonly<Record<string, readonly string[]>> = {
  'pb.FileAction': ['input', 'secondaryInput', 'output'],
}

function messageJson(message: ReflectMessage): JsonValue {
  const json = new Map<string, JsonValue>()
  const kept = always[message.desc.typeName] ?? []
  for (const field of message.fields) {
    if (field.oneof !== undefined) {
      const name = goName(field.oneof.name)
      const one = (json.get(name) as Map<string, JsonValue> | undefined) ?? new Map<string, JsonValue>()
      json.set(name, one)
      if (message.oneofCase(field.oneof) !== field) continue
      const value = fieldJson(message, field)
      if (value !== undefined && value !== 0) one.set(field.name === 'byID' ? 'byId' : field.name, value)
      continue
    }
    const value = fieldJson(message, field)
    if (value !== undefined) json.set(field.name, value)
    else if (kept.includes(field.name)) json.set(field.name, 0)
  }
  return json
}

const goName = (name: string): string => name.charAt(0).toUpperCase() + name.slice(1)

function fieldJson(message: ReflectMessage, field: DescField): JsonValue {
  if (!message.isSet(field)) return undefined
  switch (field.fieldKind) {
    case 'message':
      return messageJson(message.get(field))
    case 'list': {
      const items = [...message.get(field)]
      if (items.length === 0) return undefined
      return items.map(item =>
        field.listKind === 'message' ? messageJson(item as ReflectMessage) : (item as JsonValue),
      )
    }
    case 'map': {
      const map = message.get(field)
      const keys = [...map.keys()].map(String).toSorted()
      if (keys.length === 0) return undefined
      const value = (key: string): JsonValue =>
        field.mapKind === 'message'
          ? messageJson(map.get(key) as ReflectMessage)
          : (map.get(key) as JsonValue)
      return new Map(keys.map(key => [key, value(key)]))
    }
    case 'enum':
      return message.get(field)
    case 'scalar':
      return message.get(field) as JsonValue
    default:
      return field satisfies never
  }
}
