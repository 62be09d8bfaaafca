import type { ImageNames } from '../content/image-names.ts'
import { SlipwayError, wrapError } from '../errors/slipway-error.ts'
import { goJson } from '../gostd/json.ts'
import { quote } from '../gostd/quote.ts'
import { descriptorJson } from '../oci/descriptor-json.ts'
import { formatReference, parseReference, type Reference, withDefaultTag } from '../oci/reference.ts'
import { type Attributes, readBool } from './attributes.ts'
import type { ExportContext, ExporterResponse } from './export-context.ts'
import type { ExporterInstance } from './exporter.ts'
import type { ExportSource } from './export-source.ts'
import { withGivenConfigs } from './given-configs.ts'
import { imageBlobs } from './image-archive.ts'
import type { LayerServices } from './image-layers.ts'
import { readImageOptions } from './image-options.ts'
import { type WrittenImage, writeImage } from './image-writer.ts'
import { type PushTarget, pushImage } from './push.ts'

/** What the image exporter works with besides layers. */
export interface ImageExporterServices extends LayerServices {
  readonly images: ImageNames
  /** Repositories to push to, with the credentials of the client's session. */
  readonly pushTarget: (
    reference: Reference,
    options: { insecure: boolean; byDigest: boolean },
    ctx: ExportContext,
  ) => PushTarget
}

/**
 * `type=image`, `type=registry`: keeps the image in the local store under its names, and pushes it where asked.
 * Options: https://github.com/moby/buildkit/blob/v0.32.2/exporter/containerimage/export.go
 */
export function createImageExporter(
  id: number,
  attrs: Attributes,
  services: ImageExporterServices,
): ExporterInstance {
  readImageOptions(attrs, 'image')
  const push = readBool(attrs, 'push', false)
  const byDigest = readBool(attrs, 'push-by-digest', false)
  const insecure = readBool(attrs, 'registry.insecure', false)
  const store = readBool(attrs, 'store', true)
  // Images of the store are unpacked when they are run.
  readBool(attrs, 'unpack', false)
  const danglingPrefix = attrs['dangling-name-prefix'] ?? ''
  // The key is spelt so.
  const danglingOnly = readBool(attrs, 'danging-name-empty-only', false)
  const canonical = readBool(attrs, 'name-canonical', false)
  return {
    id,
    name: 'exporting to image',
    async export(source, ctx) {
      const names = namesOf(attrs, source, {
        shown: name => `ref ${quote(name)}`,
        tagged: !(push && byDigest),
      })
      if (push && names.length === 0)
        throw new SlipwayError('invalid-argument', 'tag is needed when pushing to registry', {
          hint: 'give the image a name with --tag',
        })
      const options = readImageOptions(attrs, 'image', source)
      const image = await writeImage(withGivenConfigs(source, attrs), { ...options, names }, services, ctx)
      const dangling =
        danglingPrefix === '' || (danglingOnly && names.length > 0)
          ? []
          : [`${danglingPrefix}@${image.descriptor.digest}`]
      const all = [...names, ...dangling]
      // What is pushed under its digest only has no other name here either.
      const kept = push && byDigest ? all.map(name => withDigest(name, image)) : all
      if (store) await keep(image, kept, { ...services, canonical: canonical && names.length > 0 }, ctx)
      const given = [...givenNames(attrs, source), ...dangling]
      if (push)
        for (const [i, name] of all.entries())
          await pushTo({ name, shown: given[i] ?? name }, image, { insecure, byDigest }, services, ctx)
      return imageResponse(image, given)
    },
  }
}

const withDigest = (name: string, { descriptor }: WrittenImage): string =>
  name.includes('@') ? name : `${name}@${descriptor.digest}`

/**
 * Full names an image gets: from the option, or those the frontend chose where it is `*`; `tagged` gives a tag to those that
 * have none. Throws `invalid-argument`: `failed to parse ` and what `shown` makes of the name.
 */
export function namesOf(
  attrs: Attributes,
  source: ExportSource,
  { shown = name => name, tagged = true }: NameOptions = {},
): readonly string[] {
  return givenNames(attrs, source).map(name => fullName(name, shown(name), tagged))
}

/** The names as they were written. */
function givenNames(attrs: Attributes, source: ExportSource): readonly string[] {
  const chosen = attrs['name'] === '*' ? source.metadata.get('image.name') : undefined
  const text = chosen === undefined ? (attrs['name'] ?? '') : Buffer.from(chosen).toString('utf8')
  const names = text.split(',').map(name => name.trim())
  return names.filter(name => name !== '')
}

interface NameOptions {
  readonly shown?: (name: string) => string
  readonly tagged?: boolean
}

function fullName(text: string, shown: string, tagged: boolean): string {
  try {
    const reference = parseReference(text)
    return formatReference(tagged ? withDefaultTag(reference) : reference)
  } catch (e) {
    throw wrapError(`failed to parse ${shown}`, e)
  }
}

/** The image stays whole in the store: its base layers come too, so that it can be run and saved without the network. */
async function keep(
  image: WrittenImage,
  names: readonly string[],
  services: ImageExporterServices & { readonly canonical: boolean },
  ctx: ExportContext,
): Promise<void> {
  if (names.length === 0) return
  const { images, canonical, content } = services
  const { descriptor } = image
  await imageBlobs(image, content, ctx)
  for (const name of names) {
    await ctx.progress.step(`naming to ${name}`, async () => {
      images.set(name, descriptor)
      if (canonical && !name.includes('@')) images.set(`${name}@${descriptor.digest}`, descriptor)
    })
  }
}

async function pushTo(
  { name, shown }: { readonly name: string; readonly shown: string },
  image: WrittenImage,
  options: { insecure: boolean; byDigest: boolean },
  services: ImageExporterServices,
  ctx: ExportContext,
): Promise<void> {
  const reference = parseReference(name)
  if (options.byDigest && reference.tag !== undefined) {
    const message = `failed to push ${name}: can't push tagged ref ${name} by digest`
    throw new SlipwayError('invalid-argument', message)
  }
  const target = { ...services.pushTarget(reference, options, ctx), shown }
  await pushImage(image, target, services.content, ctx)
}

/** What the client is told of an image. Keys: parity with buildkit v0.32.2 exporter/containerimage/exptypes. */
export function imageResponse(image: WrittenImage, names: readonly string[]): ExporterResponse {
  const { descriptor, configDigest } = image
  return {
    'containerimage.digest': descriptor.digest,
    'containerimage.descriptor': Buffer.from(goJson(descriptorJson(descriptor))).toString('base64'),
    ...(configDigest === undefined ? {} : { 'containerimage.config.digest': configDigest }),
    ...(names.length === 0 ? {} : { 'image.name': names.join(',') }),
  }
}
