import { create, toBinary } from '@bufbuild/protobuf'
import { SlipwayError } from '../errors/slipway-error.ts'
import type { Platform } from '../oci/descriptor.ts'
import { type Op, OpSchema } from '../proto/gen/ops_pb.ts'
import type { InputList } from './input-list.ts'
import { marshalExec } from './marshal-exec.ts'
import { marshalFile } from './marshal-file.ts'
import { sourceAttribute } from './source-attribute.ts'
import type { ImportedVertex, SourceVertex, Vertex } from './vertex.ts'

/** What a graph does not say itself. */
export interface OpDefaults {
  /** Of ops that leave it open. */
  readonly platform: Platform
  /** Tells local directories without a session apart from those of other builds. */
  readonly localUniqueId: string
}

/** A vertex that is an op of its own. */
export type OpVertex = Exclude<Vertex, ImportedVertex>

/**
 * The bytes of an op; fields and maps in a fixed order, so that equal ops have equal digests. Go's deterministic form
 * puts members of a oneof behind all others: the body comes last although its number is lower.
 */
export function marshalOp(vertex: OpVertex, inputs: InputList, defaults: OpDefaults): Uint8Array {
  const body = marshalBody(vertex, inputs, defaults)
  const platform = vertex.metadata.platform ?? defaults.platform
  const frame = create(OpSchema, {
    inputs: inputs.inputs.map(({ digest, index }) => ({ digest, index })),
    constraints: { filter: [...(vertex.metadata.filters ?? [])] },
    ...(isPlatformSpecific(vertex) ? { platform: wirePlatform(platform) } : {}),
  })
  return Buffer.concat([toBinary(OpSchema, frame), toBinary(OpSchema, create(OpSchema, { op: body }))])
}

function isPlatformSpecific(vertex: OpVertex): boolean {
  if (vertex.kind === 'source') return /^(docker-image|oci-layout):\/\//.test(vertex.identifier)
  return vertex.kind === 'exec'
}

function wirePlatform(platform: Platform) {
  return {
    OS: platform.os,
    Architecture: platform.architecture,
    Variant: platform.variant ?? '',
    OSVersion: platform['os.version'] ?? '',
    OSFeatures: [...(platform['os.features'] ?? [])],
  }
}

function marshalBody(vertex: OpVertex, inputs: InputList, defaults: OpDefaults): Op['op'] {
  switch (vertex.kind) {
    case 'source':
      return create(OpSchema, { op: { case: 'source', value: marshalSource(vertex, defaults) } }).op
    case 'exec':
      return { case: 'exec', value: marshalExec(vertex, inputs) }
    case 'file':
      if (vertex.actions.length === 0) throw new SlipwayError('invalid-argument', 'action is required')
      return { case: 'file', value: marshalFile(vertex, inputs) }
    case 'merge': {
      const merged = vertex.inputs.map(output => ({ input: BigInt(inputs.append(output)) }))
      return create(OpSchema, { op: { case: 'merge', value: { inputs: merged } } }).op
    }
    case 'diff': {
      const lower = { input: BigInt(vertex.lower === undefined ? -1 : inputs.append(vertex.lower)) }
      const upper = { input: BigInt(vertex.upper === undefined ? -1 : inputs.append(vertex.upper)) }
      return create(OpSchema, { op: { case: 'diff', value: { lower, upper } } }).op
    }
  }
}

function marshalSource(vertex: SourceVertex, defaults: OpDefaults) {
  const { identifier, attributes } = vertex
  if (identifier === '') throw new SlipwayError('invalid-argument', "source identifier can't be empty")
  const isOpenLocal = needsUniqueId(vertex)
  const attrs = isOpenLocal
    ? { ...attributes, [sourceAttribute.localUniqueId]: defaults.localUniqueId }
    : attributes
  return { identifier, attrs: sortedMap(attrs) }
}

/** A local directory of no particular session. */
export function needsUniqueId(vertex: SourceVertex): boolean {
  return vertex.identifier.startsWith('local://') && !(sourceAttribute.localSessionId in vertex.attributes)
}

function sortedMap(map: Readonly<Record<string, string>>): Record<string, string> {
  const keys = Object.keys(map).sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
  return Object.fromEntries(keys.map(key => [key, map[key] as string]))
}
