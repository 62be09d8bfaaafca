import { isSlipwayError, SlipwayError, wrapError } from '../../errors/slipway-error.ts'
import type { Descriptor } from '../../oci/descriptor.ts'
import { isConfigType, isIndexType, isLayerType, isManifestType, mediaType } from '../../oci/media-type.ts'
import type { HttpResponse } from '../http/transport.ts'

/**
 * Sends the end of something and checks what the registry says that it has now. Failures read
 * `failed commit on ref "layer-sha256:…": …`. Throws `data-loss` where the registry names another digest.
 * Source: github.com/containerd/containerd core/remotes/docker/pusher.go at v2.2.1.
 */
export async function commit(
  descriptor: Descriptor,
  work: () => Promise<HttpResponse>,
): Promise<HttpResponse> {
  try {
    const response = await work()
    const stored = response.header('docker-content-digest') ?? ''
    if (stored === '' || stored === descriptor.digest) return response
    response.discard()
    throw new SlipwayError('data-loss', `got digest ${stored.slice(0, 120)}, expected ${descriptor.digest}`, {
      hint: 'the registry keeps something else than it was sent',
    })
  } catch (error) {
    if (isSlipwayError(error) && error.code === 'canceled') throw error
    throw wrapError(`failed commit on ref "${kindOf(descriptor.mediaType)}-${descriptor.digest}"`, error)
  }
}

function kindOf(type: string): string {
  if (isManifestType(type)) return 'manifest'
  if (isIndexType(type)) return 'index'
  if (isLayerType(type)) return 'layer'
  if (type === mediaType.inToto) return 'intoto'
  return isConfigType(type) ? 'config' : 'unknown'
}
