import { fromBinary } from '@bufbuild/protobuf'
import { digestOf } from '../oci/digest.ts'
import { type Definition, MountType, OpSchema } from '../proto/gen/ops_pb.ts'

/** Identities of cache mounts of the steps that must not use cached results. */
export function cacheMountsWithoutCache(definition: Definition): readonly string[] {
  const ids = new Set<string>()
  if (!Object.values(definition.metadata).some(metadata => metadata.ignoreCache)) return []
  for (const bytes of definition.def) {
    if (definition.metadata[digestOf(bytes)]?.ignoreCache !== true) continue
    const { op } = fromBinary(OpSchema, bytes)
    if (op.case !== 'exec') continue
    for (const mount of op.value.mounts)
      if (mount.mountType === MountType.CACHE) ids.add(mount.cacheOpt?.ID || mount.dest)
  }
  return [...ids]
}
