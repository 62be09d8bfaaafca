import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fc } from '../../test/support/fuzz.ts'
import type { Descriptor } from './descriptor.ts'
import { digestOf } from './digest.ts'
import {
  describeBytes,
  detectManifestType,
  type Index,
  type Manifest,
  marshalIndex,
  marshalManifest,
  maxManifestSize,
  parseImageManifest,
  parseIndex,
  parseManifest,
} from './manifest.ts'
import { mediaType } from './media-type.ts'

const bytes = (value: unknown): Uint8Array =>
  new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value))
const blob = (text: string, type: string): Descriptor => ({
  mediaType: type,
  digest: digestOf(text),
  size: text.length,
})

const manifest: Manifest = {
  schemaVersion: 2,
  mediaType: mediaType.ociManifest,
  config: blob('{}', mediaType.ociConfig),
  layers: [blob('layer', mediaType.ociLayerGzip)],
  annotations: { b: '<&>', a: '\u2028', '10': 'x', '9': 'y' },
}

describe('writing', () => {
  it('writes a manifest as Go does: two spaces, no last newline, sorted annotations, Go escapes', () => {
    const hex = (text: string): string => digestOf(text)
    assert.equal(
      new TextDecoder().decode(marshalManifest(manifest)),
      `{
  "schemaVersion": 2,
  "mediaType": "application/vnd.oci.image.manifest.v1+json",
  "config": {
    "mediaType": "application/vnd.oci.image.config.v1+json",
    "digest": "${hex('{}')}",
    "size": 2
  },
  "layers": [
    {
      "mediaType": "application/vnd.oci.image.layer.v1.tar+gzip",
      "digest": "${hex('layer')}",
      "size": 5
    }
  ],
  "annotations": {
    "10": "x",
    "9": "y",
    "a": "\\u2028",
    "b": "\\u003c\\u0026\\u003e"
  }
}`,
    )
  })

  it('writes descriptors with their members in the order of the Go struct', () => {
    const index: Index = {
      schemaVersion: 2,
      mediaType: mediaType.ociIndex,
      manifests: [
        {
          artifactType: 'a/b',
          platform: {
            variant: 'v7',
            architecture: 'arm',
            os: 'linux',
            'os.version': '1',
            'os.features': ['f'],
          },
          data: 'e30=',
          annotations: {},
          urls: ['https://x'],
          ...blob('m', mediaType.ociManifest),
        },
      ],
    }
    const line = new TextDecoder().decode(marshalIndex(index)).replace(/\s+/g, '')
    assert.equal(
      line,
      `{"schemaVersion":2,"mediaType":"${mediaType.ociIndex}","manifests":[{"mediaType":"${mediaType.ociManifest}","digest":"${digestOf('m')}","size":1,"urls":["https://x"],"data":"e30=","platform":{"architecture":"arm","os":"linux","os.version":"1","os.features":["f"],"variant":"v7"},"artifactType":"a/b"}]}`,
    )
  })

  it('reads back what it wrote', () => {
    const index: Index = {
      schemaVersion: 2,
      manifests: [describeBytes(marshalManifest(manifest), mediaType.ociManifest)],
    }
    assert.deepEqual(parseImageManifest(marshalManifest(manifest)), manifest)
    assert.deepEqual(parseIndex(marshalIndex(index)), index)
  })
})

describe('media type of a document', () => {
  const config = manifest.config
  const table: readonly [what: string, document: object, declared: string | undefined, type: string][] = [
    ['a bare manifest', { config, layers: [] }, undefined, mediaType.dockerManifest],
    ['a bare index', { manifests: [] }, undefined, mediaType.dockerManifestList],
    ['a bare index served as OCI', { manifests: [] }, mediaType.ociIndex, mediaType.ociIndex],
    [
      'an OCI manifest served as octets',
      { mediaType: mediaType.ociManifest, config },
      'application/octet-stream',
      mediaType.ociManifest,
    ],
    [
      'an OCI manifest served as docker',
      { mediaType: mediaType.ociManifest, config },
      mediaType.dockerManifest,
      mediaType.ociManifest,
    ],
    [
      'an index without manifests',
      { mediaType: mediaType.ociIndex, manifests: null },
      undefined,
      mediaType.ociIndex,
    ],
  ]
  for (const [what, document, declared, type] of table) {
    it(`is known for ${what}`, () => assert.equal(detectManifestType(bytes(document), declared), type))
  }

  const refused: readonly [
    what: string,
    document: unknown,
    declared: string | undefined,
    message: RegExp,
    code: string,
  ][] = [
    ['both in one', { config, manifests: [] }, undefined, /^invalid ambiguous manifest/, 'invalid-argument'],
    [
      'an index that calls itself a manifest',
      { mediaType: mediaType.ociManifest, manifests: [] },
      undefined,
      /expected manifest but found index/,
      'invalid-argument',
    ],
    [
      'a manifest served as an index',
      { config },
      mediaType.ociIndex,
      /expected index but found manifest/,
      'invalid-argument',
    ],
    ['schema 1', { schemaVersion: 1, fsLayers: [] }, undefined, /schema 1 has been removed/, 'unimplemented'],
    ['neither', { schemaVersion: 2 }, undefined, /^neither a manifest nor an index$/, 'invalid-argument'],
    ['a list', [], undefined, /expected an object/, 'invalid-argument'],
    [
      'a web page',
      '<!DOCTYPE html><html>',
      mediaType.ociIndex,
      /^failed to parse manifest: invalid JSON$/,
      'invalid-argument',
    ],
    ['nothing', '', undefined, /invalid JSON/, 'invalid-argument'],
  ]
  for (const [what, document, declared, message, code] of refused) {
    it(`is refused for ${what}`, () => {
      assert.throws(() => parseManifest(bytes(document), declared), { code, message })
    })
  }
})

describe('hostile documents', () => {
  const entry = { mediaType: 'm', digest: digestOf('x'), size: 1 }
  const index = (entries: unknown): Uint8Array => bytes({ schemaVersion: 2, manifests: entries })
  const table: readonly [what: string, document: Uint8Array, message: RegExp, code?: string][] = [
    [
      'a digest that is none',
      index([{ ...entry, digest: 'sha256:../../etc/passwd' }]),
      /^invalid descriptor manifests\[0\]: digest "sha256:\.\./,
    ],
    ['a digest with capitals', index([{ ...entry, digest: digestOf('x').toUpperCase() }]), /digest/],
    ['a number for a digest', index([{ ...entry, digest: 7 }]), /expected a string, got 7/],
    ['a negative size', index([{ ...entry, size: -1 }]), /manifests\[0\]: size -1/],
    ['a fractional size', index([{ ...entry, size: 1.5 }]), /expected an integer, got 1.5/],
    [
      'a size beyond 2^53',
      bytes(`{"manifests":[{"mediaType":"m","digest":"${digestOf('x')}","size":9007199254740993}]}`),
      /expected an integer/,
    ],
    ['no media type', index([{ ...entry, mediaType: '' }]), /mediaType is missing/],
    [
      'an annotation that is no text',
      index([{ ...entry, annotations: { a: {} } }]),
      /annotations\[a\]: expected a string/,
    ],
    ['an entry that is no object', index(['x']), /manifests\[0\]: expected an object/],
    ['manifests that are no list', index({}), /expected an array/],
    [
      'too many entries',
      index(Array.from({ length: 10_001 }, () => 0)),
      /has 10001 entries, more than 10000/,
      'resource-exhausted',
    ],
    [
      'a million entries',
      new Uint8Array(maxManifestSize + 1),
      /^rejecting 4393217 byte manifest$/,
      'resource-exhausted',
    ],
    ['endless nesting', bytes('['.repeat(1_000_000)), /exceeded max depth/],
    [
      'nesting inside annotations',
      bytes(`{"manifests":[],"a":${'{"a":'.repeat(20_000)}`),
      /exceeded max depth/,
    ],
  ]
  for (const [what, document, message, code = 'invalid-argument'] of table) {
    it(`with ${what} give one clear error`, () => {
      assert.throws(() => parseManifest(document), { code, message })
    })
  }

  it('keep a __proto__ annotation as an ordinary one', () => {
    const text = '{"schemaVersion":2,"manifests":[],"annotations":{"__proto__":"x"}}'
    const parsed = parseIndex(bytes(text))
    assert.equal(Object.getOwnPropertyDescriptor(parsed.annotations, '__proto__')?.value, 'x')
    assert.match(new TextDecoder().decode(marshalIndex(parsed)), /"__proto__": "x"/)
  })

  it('are read as Go would: keys without regard to case, the last one wins', () => {
    const text = `{"manifests":[],"Manifests":[${JSON.stringify(entry)}]}`
    assert.equal(parseIndex(bytes(text)).manifests.length, 1)
  })

  it('never give anything but a SlipwayError', () => {
    const document = fc.oneof(
      fc.string(),
      fc.json(),
      fc
        .record({ schemaVersion: fc.anything(), manifests: fc.jsonValue(), mediaType: fc.jsonValue() })
        .map(v => JSON.stringify(v)),
    )
    fc.assert(
      fc.property(document, text => {
        try {
          parseManifest(bytes(text ?? ''))
        } catch (error) {
          assert.equal((error as Error).name, 'SlipwayError')
        }
      }),
    )
  })
})
