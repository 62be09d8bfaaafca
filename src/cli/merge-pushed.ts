import { combineSources } from '../imagetools/combine.ts'
import { locationName, parseImageLocation } from '../imagetools/image-location.ts'
import { publish } from '../imagetools/publish.ts'
import { filterPlatforms } from '../imagetools/filter-platforms.ts'
import { resolveSources } from '../imagetools/source.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { clientStep } from '../progress/client-step.ts'
import type { StatusWriter } from '../status/solve-status.ts'
import type { Host } from './host.ts'
import { openImageTools } from './open-image-tools.ts'

/** What a merge is done with. */
export interface MergeContext {
  readonly host: Host
  readonly write: StatusWriter
  readonly signal: AbortSignal
}

/** Makes one index of images that were pushed by digest, and pushes it under every name. Row C37, J16. */
export async function mergePushed(
  names: readonly string[],
  images: readonly Descriptor[],
  { host, write, signal }: MergeContext,
): Promise<Descriptor> {
  return await clientStep(
    write,
    `merging manifest list ${names.join(',')}`,
    async () => {
      await using tools = await openImageTools(host, { names, signal })
      const byRepository = Map.groupBy(names.map(parseImageLocation), locationName)
      const named = images.map(descriptor => ({ text: descriptor.digest, descriptor }))
      let merged: Descriptor | undefined
      // Every node has pushed to every repository: each index is made of what lies beside it.
      for (const targets of byRepository.values()) {
        const sources = await resolveSources(named, targets, tools)
        const combined = await combineSources(sources, { annotations: [], preferIndex: true }, tools)
        const { descriptor, bytes, parts } = await filterPlatforms(combined, [], tools)
        await publish({ descriptor, bytes, parts, documents: new Map(), targets, warnings: [] }, tools)
        merged ??= descriptor
      }
      if (merged === undefined) throw new TypeError('a merge without a name')
      return merged
    },
    { now: () => host.now() },
  )
}
