import type { MessageInitShape } from '@bufbuild/protobuf'
import type { Platform } from '../oci/descriptor.ts'
import { normalizePlatform } from '../oci/platform.ts'
import type { Platform as PlatformMessage, PlatformSchema } from '../proto/gen/ops_pb.ts'

/** A platform as LLB spells it; undefined where the operation has none. */
export function platformOf(message: PlatformMessage | undefined): Platform | undefined {
  if (message === undefined || (message.OS === '' && message.Architecture === '')) return undefined
  return normalizePlatform({
    os: message.OS,
    architecture: message.Architecture,
    ...(message.Variant === '' ? {} : { variant: message.Variant }),
    ...(message.OSVersion === '' ? {} : { 'os.version': message.OSVersion }),
    ...(message.OSFeatures.length === 0 ? {} : { 'os.features': message.OSFeatures }),
  })
}

/** A platform in the form of LLB. */
export function platformMessage(platform: Platform): MessageInitShape<typeof PlatformSchema> {
  return {
    OS: platform.os,
    Architecture: platform.architecture,
    Variant: platform.variant ?? '',
    OSVersion: platform['os.version'] ?? '',
    OSFeatures: [...(platform['os.features'] ?? [])],
  }
}
