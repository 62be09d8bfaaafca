import type { Outcome } from './outcome.ts'

type Difference = Outcome & { readonly why: string }

const refused = (why: string, error: string): Difference => ({ why, error, code: 1 })
const accepted = (why: string, tree: string): Difference => ({ why, tree: [tree] })

const wholeDocuments =
  'A document with a descriptor that is none is refused, whether the descriptor is needed or not.'
const noLayers = 'BuildKit forgets the layers of an image whose configuration knows none.'
const content =
  'What a document is decides its content, which has the digest; some registries have types of their own for it.'

/** Where images are deliberately refused or accepted otherwise than by BuildKit, and why. */
export const imageDifferences: Readonly<Record<string, Difference>> = {
  'digest of a manifest: of another platform climbs': refused(wholeDocuments, 'invalid descriptor'),
  'index: an entry is null': refused(wholeDocuments, 'invalid descriptor'),
  'index: subject': refused(wholeDocuments, 'invalid descriptor'),
  'index: 10,001 entries': refused('An index has a bound.', 'more than 10000'),
  'index: served as JSON': accepted(content, '"f" file 644 0:0 1000000000 23 cfd2bb23'),
  'manifest: served as text': accepted(content, '"f" file 644 0:0 1000000000 26 707f0443'),
  'manifest: served without a type': accepted(content, '"f" file 644 0:0 1000000000 33 1564093b'),
  'manifest: a layer with urls': accepted(
    'Layers come from the registry that was asked: URLs of an image lead nowhere, least of all into the own network.',
    '"f" file 644 0:0 1000000000 29 4c671fa4',
  ),
  'config: null': refused(noLayers, 'mismatched image rootfs and manifest layers'),
  'config: an empty object': refused(noLayers, 'mismatched image rootfs and manifest layers'),
  'config: no rootfs': refused(noLayers, 'mismatched image rootfs and manifest layers'),
  'config: rootfs is null': refused(noLayers, 'mismatched image rootfs and manifest layers'),
  'config: no diffIDs': refused(noLayers, 'mismatched image rootfs and manifest layers'),
  'config: 9 MB': refused('A configuration has a bound, as with Docker.', 'rejecting 9000176 byte'),
  'config: diffID is another': refused('Layers have to be what the configuration says.', 'wrong diff id'),
  'config: diffID is sha512': refused('Only SHA-256 is supported.', 'invalid digest'),
}
