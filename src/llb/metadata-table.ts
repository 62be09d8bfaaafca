import { create } from '@bufbuild/protobuf'
import { type OpMetadata, OpMetadataSchema } from '../proto/gen/ops_pb.ts'
import { type Capability, capability } from './capability.ts'
import type { Metadata } from './options.ts'

/** What is said of each op; ops with equal digests share what is said of any of them, the later word counts. */
export class MetadataTable {
  readonly #byDigest = new Map<string, OpMetadata>()

  add(digest: string, metadata: Metadata): void {
    const description = {
      ...metadata.description,
      ...(metadata.name === undefined ? {} : { 'llb.customname': metadata.name }),
    }
    const { progressGroup, linuxResources, exportCache } = metadata
    const wire = create(OpMetadataSchema, {
      ignoreCache: metadata.ignoreCache ?? false,
      description,
      caps: Object.fromEntries(metadata.capabilities.map(name => [name, true])),
      ...(exportCache === undefined ? {} : { exportCache: { Value: exportCache } }),
      ...(progressGroup === undefined ? {} : { progressGroup: { ...progressGroup } }),
      ...(linuxResources === undefined ? {} : { linuxResources: { ...linuxResources } }),
    })
    this.addWire(digest, wire)
  }

  /** The same in wire form. */
  addWire(digest: string, metadata: OpMetadata): void {
    const old = this.#byDigest.get(digest)
    this.#byDigest.set(digest, old === undefined ? metadata : merged(old, metadata))
  }

  /** Abilities that the root op has to ask for, as some op says more than its digest. */
  usedCapabilities(): Capability[] {
    const all = [...this.#byDigest.values()]
    const used: Capability[] = []
    if (all.some(m => m.ignoreCache)) used.push(capability.metaIgnoreCache)
    if (all.some(m => Object.keys(m.description).length > 0)) used.push(capability.metaDescription)
    if (all.some(m => m.exportCache !== undefined)) used.push(capability.metaExportCache)
    return used
  }

  toWire(): Record<string, OpMetadata> {
    return Object.fromEntries(this.#byDigest)
  }
}

function merged(a: OpMetadata, b: OpMetadata): OpMetadata {
  return create(OpMetadataSchema, {
    ignoreCache: a.ignoreCache || b.ignoreCache,
    description: { ...a.description, ...b.description },
    caps: { ...a.caps, ...b.caps },
    ...pick('exportCache', b.exportCache ?? a.exportCache),
    ...pick('progressGroup', b.progressGroup ?? a.progressGroup),
    ...pick('linuxResources', b.linuxResources ?? a.linuxResources),
  })
}

function pick<K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } {
  return (value === undefined ? {} : { [key]: value }) as { [P in K]?: V }
}
