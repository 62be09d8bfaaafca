import { forEachBounded } from '../async/map-bounded.ts'
import { wrapError } from '../errors/slipway-error.ts'
import { type CopyEvent, ImageCopier } from '../registry/image-copier.ts'
import type { CreatePlan } from './create.ts'
import { attestationArtifactType } from '../oci/media-type.ts'
import type { Part } from './filter-platforms.ts'
import {
  checkTargetDigest,
  formatImageLocation,
  type ImageLocation,
  locationName,
  locationTag,
} from './image-location.ts'
import type { ImageTools } from './image-tools.ts'

/** Referrers that go along with the manifests they are about. */
export const copiedArtifactTypes: readonly string[] = [
  attestationArtifactType,
  'application/vnd.dev.cosign.artifact.sig.v1+json',
  'application/vnd.dev.sigstore.bundle.v0.3+json',
]

/** What a display wants to know; `name` is the repository that is pushed to. */
export type PublishEvent =
  | { readonly kind: 'start'; readonly name: string }
  | { readonly kind: 'log'; readonly name: string; readonly line: string }
  | { readonly kind: 'transfer'; readonly name: string; readonly event: CopyEvent }
  | { readonly kind: 'end'; readonly name: string; readonly error?: unknown }

/** Puts what was planned under every target: first the manifests and their blobs, then the index. */
export async function publish(
  plan: CreatePlan,
  tools: ImageTools,
  onEvent: (event: PublishEvent) => void = () => {},
): Promise<void> {
  for (const target of plan.targets) checkTargetDigest(target, plan.descriptor.digest)
  const byName = Map.groupBy(plan.targets, locationName)
  await forEachBounded(
    byName,
    async ([name, targets], _, signal) => {
      onEvent({ kind: 'start', name })
      try {
        await publishTo(name, targets, plan, { ...tools, signal }, onEvent)
        onEvent({ kind: 'end', name })
      } catch (error) {
        onEvent({ kind: 'end', name, error })
        throw error
      }
    },
    { limit: 4, signal: tools.signal },
  )
}

async function publishTo(
  name: string,
  targets: readonly ImageLocation[],
  plan: CreatePlan,
  tools: ImageTools,
  onEvent: (event: PublishEvent) => void,
): Promise<void> {
  const [seed] = targets
  if (seed === undefined) return
  const { signal } = tools
  const store = tools.open(seed)
  const copier = new ImageCopier(store, {
    referrers: copiedArtifactTypes,
    documents: plan.documents,
    onEvent: event => onEvent({ kind: 'transfer', name, event }),
    signal,
  })
  const log = (line: string): void => onEvent({ kind: 'log', name, line })
  const copy = async ({ descriptor, source }: Part): Promise<void> => {
    const from = formatImageLocation(source.location)
    log(`copying ${descriptor.digest} from ${from} to ${name}`)
    try {
      await copier.copy(tools.open(source.location), descriptor)
    } catch (error) {
      throw wrapError(`copy ${descriptor.digest} from ${from} to ${formatImageLocation(seed)}`, error)
    }
  }
  await forEachBounded(plan.parts, copy, { limit: 4, signal })
  for (const target of targets) {
    const text = formatImageLocation(target)
    log(`pushing ${plan.descriptor.digest} to ${text}`)
    const tag = locationTag(target)
    try {
      const names = tag === undefined ? { root: true } : { tags: [tag] }
      await store.putManifest(plan.descriptor, plan.bytes, { ...names, signal })
    } catch (error) {
      throw wrapError(`publish ${plan.descriptor.digest} to ${text}`, error)
    }
  }
}
