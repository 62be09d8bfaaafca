import { SlipwayError, wrapError } from '../errors/slipway-error.ts'
import { goJson } from '../gostd/json.ts'
import { quote } from '../gostd/quote.ts'
import { parseAnnotationFlags } from '../oci/annotation-flag.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { descriptorJson } from '../oci/descriptor-json.ts'
import type { Digest } from '../oci/digest.ts'
import { type Platform, parsePlatform } from '../oci/platform.ts'
import { annotateManifests } from './annotate-manifests.ts'
import { combineSources } from './combine.ts'
import { filterPlatforms, type Part } from './filter-platforms.ts'
import { type ImageLocation, locationName, parseImageLocation } from './image-location.ts'
import type { ImageTools } from './image-tools.ts'
import { parseSources, resolveSources } from './source.ts'

/** `imagetools create`, as its flags say it. */
export interface CreateRequest {
  /** References, digests, descriptor JSON, `oci-layout://` and `local://` locations. */
  readonly sources: readonly string[]
  /** Contents of the files of `--file`: descriptors; they come before the sources. */
  readonly files: readonly string[]
  readonly tags: readonly string[]
  /** Add to what the first tag names now. */
  readonly append: boolean
  readonly annotations: readonly string[]
  readonly preferIndex: boolean
  readonly platforms: readonly string[]
  /** Nothing will be put anywhere, so that no tag is needed. */
  readonly dryRun: boolean
}

/** What `create` is about to put, and where. */
export interface CreatePlan {
  readonly descriptor: Descriptor
  /** The index or manifest; what `--dry-run` shows, with a newline behind. */
  readonly bytes: Uint8Array
  readonly parts: readonly Part[]
  /** Contents that were made here, by digest. */
  readonly documents: ReadonlyMap<Digest, Uint8Array>
  readonly targets: readonly ImageLocation[]
  /** Things the user should know, a sentence each. */
  readonly warnings: readonly string[]
}

/** Refuses a request that names no source, or has nowhere to go. Throws `invalid-argument`. */
export function checkRequest({
  sources,
  files,
  tags,
  dryRun,
}: Pick<CreateRequest, 'sources' | 'files' | 'tags' | 'dryRun'>): void {
  if (sources.length === 0 && files.length === 0)
    throw new SlipwayError('invalid-argument', 'no sources specified')
  if (!dryRun && tags.length === 0) {
    throw new SlipwayError(
      'invalid-argument',
      "can't push with no tags specified, please set --tag or --dry-run",
    )
  }
}

/** Looks the sources up and makes the new image of them. Puts nothing anywhere. Errors are in buildx's words. */
export async function planCreate(request: CreateRequest, tools: ImageTools): Promise<CreatePlan> {
  const { sources, files, tags, append, dryRun } = request
  checkRequest({ sources, files, tags, dryRun })
  const targets = tags.map(parseImageLocation)
  const first = append ? tags.slice(0, 1) : []
  const named = parseSources([...first, ...files, ...sources])
  const platforms = parsePlatforms(request.platforms, tools)
  const found = await resolveSources(named, targets, tools)
  const annotations = parseAnnotations(request.annotations, tools)
  const { preferIndex } = request
  const combined = await combineSources(found, { annotations, preferIndex }, tools)
  const selection = await filterPlatforms(combined, platforms, tools)
  const annotated =
    combined.warnings.length > 0
      ? { selection, documents: new Map<Digest, Uint8Array>() }
      : await annotateManifests(selection, annotations, tools)
  const { descriptor, bytes, parts } = annotated.selection
  const origin = combined.whole ?? found[0]
  // A manifest that stays alone is its own and only part.
  const all = parts.length === 0 && origin !== undefined ? [{ descriptor, source: origin }] : parts
  return {
    descriptor,
    bytes,
    parts: all,
    documents: annotated.documents,
    targets,
    warnings: combined.warnings,
  }
}

function parsePlatforms(texts: readonly string[], tools: ImageTools): readonly Platform[] {
  return texts
    .flatMap(text => text.split(','))
    .map(text => {
      try {
        return parsePlatform(text, tools.defaultPlatform)
      } catch (error) {
        throw wrapError(`invalid platform ${quote(text)}`, error)
      }
    })
}

function parseAnnotations(
  texts: readonly string[],
  tools: ImageTools,
): ReturnType<typeof parseAnnotationFlags> {
  try {
    return parseAnnotationFlags(texts, tools.defaultPlatform)
  } catch (error) {
    throw wrapError('failed to parse annotations', error)
  }
}

/** Text of the file that `--metadata-file` asks for. */
export function createMetadata(plan: Pick<CreatePlan, 'descriptor' | 'targets'>): string {
  const names = [...new Set(plan.targets.map(locationName))].sort()
  const metadata = {
    'containerimage.descriptor': descriptorJson(plan.descriptor),
    'image.name': names.join(','),
  }
  return goJson(metadata, { indent: '  ' })
}
