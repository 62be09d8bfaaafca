import { SlipwayError } from '../errors/slipway-error.ts'
import type { Definition } from '../llb/definition.ts'
import { decodeOp, headOf } from '../llb/head.ts'
import { cleanPath } from '../gostd/pattern-matcher.ts'
import { digestOf } from '../oci/digest.ts'
import type { VertexWarning } from '../status/solve-status.ts'
import type { FrontendBridge, FrontendFacts, ForwardRequest, ImageLookup, SourceMeta } from './bridge.ts'
import { memoryTree } from './scan/memory-tree.ts'

/** A tree of the memory bridge: what was asked for. */
export interface MemoryRef {
  readonly definition: Definition
}

/** What a memory bridge knows, and what it was asked. */
export interface MemoryBridge extends FrontendBridge<MemoryRef> {
  readonly warnings: VertexWarning[]
  readonly notes: string[]
  readonly lookups: (ImageLookup & { readonly name: string })[]
  readonly forwarded: ForwardRequest[]
  readonly solved: Definition[]
}

/** Content for a memory bridge. */
export interface MemoryBridgeOptions {
  /** Files by source identifier (`local://dockerfile`) and path. */
  readonly files?: Readonly<Record<string, Readonly<Record<string, string | Uint8Array>>>>
  /** Image configurations by name. */
  readonly images?: Readonly<Record<string, unknown>>
  readonly inputs?: Readonly<Record<string, Definition>>
  readonly sources?: Readonly<Record<string, SourceMeta>>
  /** What `archiveTime` answers, by source identifier and path. */
  readonly archiveTimes?: Readonly<Record<string, Readonly<Record<string, number>>>>
  readonly facts?: Partial<FrontendFacts>
}

const linuxAmd64 = { os: 'linux', architecture: 'amd64' }

/** A bridge without an engine: files and images are given, and trees are never built. */
export function createMemoryBridge(options: MemoryBridgeOptions = {}): MemoryBridge {
  const bridge: MemoryBridge = {
    facts: { sessionId: 'session', platforms: [linuxAmd64], hostPlatform: linuxAmd64, ...options.facts },
    warnings: [],
    notes: [],
    lookups: [],
    forwarded: [],
    solved: [],
    async resolveImage(name, lookup) {
      bridge.lookups.push({ name, ...lookup })
      const config = options.images?.[name]
      if (config === undefined) throw new SlipwayError('not-found', `${name}: not found`)
      return { name, digest: digestOf(name), config: new TextEncoder().encode(JSON.stringify(config)) }
    },
    async resolveSource(source) {
      return options.sources?.[source.identifier] ?? {}
    },
    async solve({ definition }) {
      bridge.solved.push(definition)
      return definition.def.length === 0 ? undefined : { definition }
    },
    async readFile(ref, path, range) {
      const found =
        ref === undefined ? undefined : options.files?.[sourceOf(ref.definition)]?.[cleanPath(path)]
      if (found === undefined) throw new SlipwayError('not-found', `open ${path}: no such file or directory`)
      const bytes = typeof found === 'string' ? new TextEncoder().encode(found) : found
      return range === undefined ? bytes : bytes.subarray(range.offset, range.offset + range.length)
    },
    async archiveTime(ref, path) {
      return ref === undefined ? undefined : options.archiveTimes?.[sourceOf(ref.definition)]?.[path]
    },
    async openTree(ref) {
      const files = (ref === undefined ? undefined : options.files?.[sourceOf(ref.definition)]) ?? {}
      const absolute = Object.entries(files).map(([path, data]) => [`/${path.replace(/^\//, '')}`, data])
      return { ...memoryTree(Object.fromEntries(absolute)), [Symbol.dispose]: () => {} }
    },
    async inputs() {
      return options.inputs ?? {}
    },
    async forward(request) {
      bridge.forwarded.push(request)
      return { ref: undefined, refs: new Map(), metadata: new Map(), attestations: new Map() }
    },
    warn: warning => void bridge.warnings.push(warning),
    note: async text => void bridge.notes.push(text),
  }
  return bridge
}

/** The identifier of the source that a definition is, or rests on. */
function sourceOf(definition: Definition): string {
  const head = headOf(definition)
  const bytes = definition.def.find(op => digestOf(op) === head)
  const op = bytes === undefined ? undefined : decodeOp(bytes).op
  return op?.case === 'source' ? op.value.identifier : ''
}
