import { create, fromBinary } from '@bufbuild/protobuf'
import { SlipwayError } from '../errors/slipway-error.ts'
import type { JsonValue } from '../gostd/json.ts'
import { digestOf } from '../oci/digest.ts'
import { type Definition, LocationsSchema, type Op, OpSchema, type Source } from '../proto/gen/ops_pb.ts'
import { goStructJson } from '../proto/go-struct-json.ts'
import { redactUrl } from './redact-url.ts'

/** The graph of a build as numbered steps, inputs before what uses them. */
export interface BuildSteps {
  /** In order; `step0` is the first. */
  readonly steps: readonly JsonValue[]
  /** Number of the step by the digest of its operation. */
  readonly numbers: ReadonlyMap<string, number>
}

/** Attributes that name the session of a build and say nothing of its content. */
const sessionAttributes = ['local.session', 'local.unique']

/**
 * Numbers the steps of a definition. Throws `invalid-argument`. Source:
 * https://github.com/moby/buildkit/blob/v0.32.2/solver/llbsolver/provenance/buildconfig.go
 */
export function buildSteps(definition: Definition | undefined): BuildSteps {
  const ops = new Map<string, Op>()
  let last: string | undefined
  for (const bytes of definition?.def ?? []) {
    const op = fromBinary(OpSchema, bytes)
    if (op.op.case === 'source') for (const key of sessionAttributes) delete op.op.value.attrs[key]
    hideCredentials(op)
    last = digestOf(bytes)
    ops.set(last, op)
  }
  if (last === undefined) return { steps: [], numbers: new Map() }
  const numbers = numbered(last, ops)
  const steps = [...numbers].map(([digest, number]): JsonValue => {
    const op = ops.get(digest) as Op
    const inputs = op.inputs.map(input => `step${numbers.get(input.digest)}:${input.index}`)
    const json = goStructJson(OpSchema, create(OpSchema, { ...op, inputs: [] }))
    return { id: `step${number}`, op: json, inputs: inputs.length === 0 ? undefined : inputs }
  })
  return { steps, numbers }
}

/** User and password of addresses in sources, of proxies and of variables are not told. BuildKit tells them. */
function hideCredentials({ op }: Op): void {
  if (op.case === 'source') {
    op.value.identifier = redactUrl(op.value.identifier)
    for (const [key, value] of Object.entries(op.value.attrs)) op.value.attrs[key] = redactUrl(value)
  }
  if (op.case !== 'exec' || op.value.meta === undefined) return
  const { meta } = op.value
  meta.env = meta.env.map(entry => {
    const at = entry.indexOf('=') + 1
    return `${entry.slice(0, at)}${redactUrl(entry.slice(at))}`
  })
  const proxy = meta.proxyEnv
  if (proxy === undefined) return
  for (const key of ['httpProxy', 'httpsProxy', 'ftpProxy', 'allProxy'] as const)
    proxy[key] = redactUrl(proxy[key])
}

/** Depth first, inputs in order; without recursion, as graphs may be deep. */
function numbered(root: string, ops: ReadonlyMap<string, Op>): ReadonlyMap<string, number> {
  const numbers = new Map<string, number>()
  const seen = new Set<string>([root])
  const stack = [{ digest: root, next: 0 }]
  while (stack.length > 0) {
    const top = stack.at(-1) as { digest: string; next: number }
    const op = ops.get(top.digest)
    if (op === undefined) throw new SlipwayError('invalid-argument', `failed to find input ${top.digest}`)
    const input = op.inputs[top.next++]
    if (input === undefined) {
      numbers.set(top.digest, numbers.size)
      stack.pop()
    } else if (!seen.has(input.digest)) {
      seen.add(input.digest)
      stack.push({ digest: input.digest, next: 0 })
    }
  }
  return numbers
}

/** Digests with the step that they are: `{ "sha256:…": "step3" }`, sorted. */
export function digestMapping({ numbers }: BuildSteps): JsonValue {
  const entries = [...numbers].map(([digest, number]): [string, JsonValue] => [digest, `step${number}`])
  return new Map(entries.toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

/** The user's files that the graph was made of, and the lines of each step. */
export function sourceJson(source: Source, steps: BuildSteps): JsonValue {
  const infos = source.infos.map((info): JsonValue => {
    const own = buildSteps(info.definition)
    return {
      filename: info.filename || undefined,
      language: info.language || undefined,
      data: info.data.length === 0 ? undefined : info.data,
      llbDefinition: own.steps.length === 0 ? undefined : own.steps,
      digestMapping: own.steps.length === 0 ? undefined : digestMapping(own),
    }
  })
  const locations = new Map<string, JsonValue>()
  for (const [digest, one] of Object.entries(source.locations)) {
    const number = steps.numbers.get(digest)
    if (number !== undefined) locations.set(`step${number}`, goStructJson(LocationsSchema, one))
  }
  const sorted = [...locations].toSorted(([a], [b]) => (a < b ? -1 : 1))
  return { locations: locations.size === 0 ? undefined : new Map(sorted), infos }
}
