import type { Descriptor } from '../oci/descriptor.ts'
import { type Index, parseManifest } from '../oci/manifest.ts'
import { formatPlatform } from '../oci/platform.ts'
import { tabulate } from '../gostd/tabwriter.ts'
import {
  formatImageLocation,
  type ImageLocation,
  locationTarget,
  parseImageLocation,
  withLocationDigest,
} from './image-location.ts'
import type { ImageTools } from './image-tools.ts'
import { resolveLocation } from './resolve-location.ts'

/** The manifest or index behind a name. */
export interface Inspected {
  /** As it was written. */
  readonly name: string
  readonly location: ImageLocation
  readonly descriptor: Descriptor
  /** What `--raw` prints: without a newline behind, so that its digest is the image's. */
  readonly bytes: Uint8Array
  /** Undefined for a single manifest. */
  readonly index?: Index
}

/** Looks an image up. */
export async function inspectImage(name: string, tools: ImageTools): Promise<Inspected> {
  const location = parseImageLocation(name)
  const { descriptor, bytes } = await resolveLocation(location, locationTarget(location), tools)
  const parsed = parseManifest(bytes, descriptor.mediaType)
  return { name, location, descriptor, bytes, ...(parsed.kind === 'index' ? { index: parsed.index } : {}) }
}

/** What `imagetools inspect` prints without a format. Annotations are sorted, where Go prints them in any order. */
export function inspectText(inspected: Inspected): string {
  const { location, descriptor, index } = inspected
  const head = table([
    ['Name', formatImageLocation(location)],
    ['MediaType', descriptor.mediaType],
    ['Digest', descriptor.digest],
  ])
  if (index === undefined) return head
  return `${head}${tabulate('\t\nManifests:\t\n')}${manifestList(location, index)}`
}

/** Blocks end where annotations follow: alignment starts anew after them, as Go's writer is flushed there. */
function manifestList(location: ImageLocation, index: Index): string {
  let out = ''
  let block = ''
  for (const [i, manifest] of index.manifests.entries()) {
    if (i > 0) block += '\t\n'
    const name = formatImageLocation(withLocationDigest(location, manifest.digest))
    block += rows([['Name', name], ['MediaType', manifest.mediaType], ...platformRows(manifest)])
    const annotations = Object.entries(manifest.annotations ?? {}).sort(([a], [b]) => (a < b ? -1 : 1))
    if (manifest.platform === undefined || annotations.length === 0) continue
    out += tabulate(`${block}  Annotations:\t\n`)
    out += tabulate(annotations.map(([key, value]) => `    ${key}:\t${value}\n`).join(''))
    block = ''
  }
  return out + tabulate(block)
}

function platformRows({ platform, urls = [] }: Descriptor): (readonly [string, string])[] {
  if (platform === undefined) return []
  const { 'os.version': version = '', 'os.features': features = [] } = platform
  return [
    ['Platform', formatPlatform(platform)],
    ...(version === '' ? [] : [['OSVersion', version] as const]),
    ...(features.length === 0 ? [] : [['OSFeatures', features.join(', ')] as const]),
    ...(urls.length === 0 ? [] : [['URLs', urls.join(', ')] as const]),
  ]
}

function rows(pairs: readonly (readonly [string, string])[]): string {
  return pairs.map(([key, value]) => `  ${key}:\t${value}\n`).join('')
}

function table(pairs: readonly (readonly [string, string])[]): string {
  return tabulate(pairs.map(([key, value]) => `${key}:\t${value}\n`).join(''))
}
