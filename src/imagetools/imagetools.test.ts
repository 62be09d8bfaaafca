import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { collectText } from '../bytes/collect.ts'
import { annotation } from '../oci/annotations.ts'
import { digestOf } from '../oci/digest.ts'
import type { ImageStore } from '../oci/image-store.ts'
import { type Index, parseImageManifest, parseIndex } from '../oci/manifest.ts'
import { MemoryImageStore } from '../oci/memory-image-store.ts'
import { mediaType } from '../oci/media-type.ts'
import { formatPlatform } from '../oci/platform.ts'
import { LayoutStore } from '../registry/layout/layout-store.ts'
import { InProcessRegistry } from '../registry/testing/in-process-registry.ts'
import { blobOf, putImage, putIndex, TestClient } from '../registry/testing/test-client.ts'
import { type CreatePlan, type CreateRequest, createMetadata, planCreate } from './create.ts'
import {
  formatImageLocation,
  type ImageLocation,
  locationName,
  parseImageLocation,
  withLocationDigest,
} from './image-location.ts'
import type { ImageTools } from './image-tools.ts'
import { inspectImage, inspectText } from './inspect.ts'
import { formatInspected } from './inspect-format.ts'
import { imageStoreOpener } from './open-image-store.ts'
import { type PublishEvent, publish } from './publish.ts'
import { amd64, putAttestation, putSamples } from './testing/sample-images.ts'

/** Stores in memory, by location. */
class Memory implements ImageTools {
  readonly defaultPlatform = amd64
  readonly #stores = new Map<string, MemoryImageStore>()

  readonly open = (location: ImageLocation): MemoryImageStore => {
    const name = locationName(location)
    const store = this.#stores.get(name) ?? new MemoryImageStore(name)
    this.#stores.set(name, store)
    return store
  }

  at(name: string): MemoryImageStore {
    return this.open(parseImageLocation(name))
  }
}

const request = (fields: Partial<CreateRequest>): CreateRequest => ({
  sources: [],
  files: [],
  tags: [],
  append: false,
  annotations: [],
  preferIndex: true,
  platforms: [],
  dryRun: true,
  ...fields,
})

const indexOf = (plan: CreatePlan): Index => parseIndex(plan.bytes, plan.descriptor.mediaType)
const platformsOf = (plan: CreatePlan): string =>
  indexOf(plan)
    .manifests.map(d => (d.platform === undefined ? '-' : formatPlatform(d.platform)))
    .join(' ')

async function samples() {
  const tools = new Memory()
  return { tools, ...(await putSamples(tools.at('me/app'))) }
}

describe('image locations', () => {
  it('read, name and format registries, layouts and the local store', () => {
    const table: readonly [text: string, full: string, name: string][] = [
      ['me/app', 'docker.io/me/app:latest', 'docker.io/me/app'],
      ['oci-layout:///a/b', 'oci-layout:///a/b:latest', '/a/b'],
      ['local://app:1', 'local://docker.io/library/app:1', 'local://docker.io/library/app'],
    ]
    for (const [text, full, name] of table) {
      assert.equal(formatImageLocation(parseImageLocation(text)), full)
      assert.equal(locationName(parseImageLocation(text)), name)
    }
    const digest = digestOf('x')
    assert.equal(
      formatImageLocation(withLocationDigest(parseImageLocation('a:b'), digest)),
      `docker.io/library/a:b@${digest}`,
    )
    assert.equal(
      formatImageLocation(withLocationDigest(parseImageLocation('oci-layout://a:b'), digest)),
      `oci-layout://a@${digest}`,
    )
  })
})

describe('planCreate', () => {
  it('keeps a single index byte for byte', async () => {
    const { tools, index } = await samples()
    const plan = await planCreate(request({ sources: ['me/app:v1'] }), tools)
    assert.deepEqual(plan.bytes, index.bytes)
    assert.equal(plan.parts.length, 4)
  })

  it('makes an index of a single manifest, or leaves it alone where that is preferred', async () => {
    const { tools, amd } = await samples()
    const wrapped = await planCreate(request({ sources: ['me/app:amd'] }), tools)
    assert.equal(platformsOf(wrapped), 'linux/amd64')
    const alone = await planCreate(request({ sources: ['me/app:amd'], preferIndex: false }), tools)
    assert.deepEqual(alone.bytes, amd.bytes)
    assert.deepEqual(
      alone.parts.map(p => p.descriptor.digest),
      [amd.descriptor.digest],
    )
  })

  it('brings sources together in their order, each manifest once', async () => {
    const { tools } = await samples()
    const plan = await planCreate(request({ sources: ['me/app:arm', 'me/app:v1', 'me/app:amd'] }), tools)
    assert.equal(platformsOf(plan), 'linux/arm/v7 linux/amd64 unknown/unknown unknown/unknown')
    assert.equal(plan.descriptor.mediaType, mediaType.ociIndex)
  })

  it('makes a Docker list of Docker manifests only', async () => {
    const { tools } = await samples()
    const docker = await planCreate(request({ sources: ['me/app:damd', 'me/app:darm'] }), tools)
    assert.equal(docker.descriptor.mediaType, mediaType.dockerManifestList)
    const mixed = await planCreate(request({ sources: ['me/app:damd', 'me/app:arm'] }), tools)
    assert.equal(mixed.descriptor.mediaType, mediaType.ociIndex)
  })

  it('adds to what the first tag names', async () => {
    const { tools } = await samples()
    const plan = await planCreate(
      request({ tags: ['me/app:amd'], sources: ['me/app:arm'], append: true }),
      tools,
    )
    assert.equal(platformsOf(plan), 'linux/amd64 linux/arm/v7')
  })

  it('takes digests and descriptors, and believes what the user says of them', async () => {
    const { tools, amd, arm } = await samples()
    const descriptor = {
      ...amd.descriptor,
      annotations: { a: 'b' },
      platform: { os: 'linux', architecture: 's390x' },
    }
    const plan = await planCreate(
      request({
        tags: ['me/app:new'],
        files: [JSON.stringify(descriptor)],
        sources: [arm.descriptor.digest],
      }),
      tools,
    )
    assert.equal(platformsOf(plan), 'linux/s390x linux/arm/v7')
    assert.deepEqual(indexOf(plan).manifests[0]?.annotations, { a: 'b' })
  })

  it('keeps the platforms that are asked for, with their attestations', async () => {
    const { tools } = await samples()
    const of = async (...platforms: string[]): Promise<string> =>
      platformsOf(await planCreate(request({ sources: ['me/app:v1'], platforms }), tools))
    assert.equal(await of('linux/amd64'), 'linux/amd64 unknown/unknown')
    assert.equal(await of('linux/arm'), 'linux/arm/v7 unknown/unknown')
    assert.equal(await of('linux/arm64,linux/amd64'), 'linux/amd64 unknown/unknown')
  })

  it('takes attestations that are only found as referrers into the index', async () => {
    const { tools, amd } = await samples()
    const attestation = await putAttestation(tools.at('me/app'), amd.descriptor, [], { referrer: true })
    const plan = await planCreate(request({ sources: ['me/app:amd', 'me/app:arm'] }), tools)
    assert.equal(platformsOf(plan), 'linux/amd64 linux/arm/v7 unknown/unknown')
    assert.deepEqual(indexOf(plan).manifests[2], attestation)
    assert.equal(plan.parts.length, 3)
  })

  it('annotates the index and its entries', async () => {
    const { tools } = await samples()
    const annotations = ['index:a=b', 'manifest-descriptor[linux/arm/v7]:c=d']
    const { annotations: own, manifests } = indexOf(
      await planCreate(request({ sources: ['me/app:v1'], annotations }), tools),
    )
    assert.deepEqual(own, { a: 'b' })
    assert.deepEqual(
      manifests.map(d => d.annotations?.['c']),
      [undefined, 'd', undefined, undefined],
    )
  })

  it('annotates manifests, and lets attestations follow to the new digests', async () => {
    const { tools, amd, attestations } = await samples()
    const plan = await planCreate(
      request({
        sources: ['me/app:v1'],
        annotations: ['manifest[linux/amd64]:a=b', 'c=d'],
        tags: ['me/app:new'],
      }),
      tools,
    )
    const [image, other, attestation] = indexOf(plan).manifests
    assert.ok(image && other && attestation)
    assert.notEqual(image.digest, amd.descriptor.digest)
    assert.equal(attestation.annotations?.[annotation.referenceDigest], image.digest)
    assert.notEqual(attestation.digest, attestations[0]?.digest)
    await publish(plan, tools)
    const store = tools.at('me/app')
    assert.deepEqual(parseImageManifest((await store.resolve(image.digest)).bytes).annotations, {
      a: 'b',
      c: 'd',
    })
    assert.deepEqual(parseImageManifest((await store.resolve(other.digest)).bytes).annotations, { c: 'd' })
    const { layers } = parseImageManifest((await store.resolve(attestation.digest)).bytes)
    const statement = await collectText(store.fetch(layers[0] ?? assert.fail()), { limit: 10_000 })
    assert.equal(statement.includes(image.digest.slice(7)), true)
    assert.equal(statement.includes(amd.descriptor.digest.slice(7)), false)
  })

  it('leaves annotations out of Docker lists, and says so', async () => {
    const { tools } = await samples()
    const plan = await planCreate(
      request({ sources: ['me/app:dlist'], annotations: ['index:a=b', 'c=d'] }),
      tools,
    )
    assert.equal(indexOf(plan).annotations, undefined)
    assert.deepEqual(plan.warnings, ['annotations are left out: Docker manifest lists cannot carry any'])
  })

  const other = digestOf('x')
  const refused: readonly [what: string, fields: Partial<CreateRequest>, message: string | RegExp][] = [
    ['no sources', {}, 'no sources specified'],
    [
      'no tags',
      { sources: ['a'], dryRun: false },
      "can't push with no tags specified, please set --tag or --dry-run",
    ],
    [
      'only a digest',
      { sources: [other] },
      'no repositories specified, please set a reference in tag or source',
    ],
    [
      'a digest for two repositories',
      { tags: ['b'], sources: [other, 'me/app:amd'] },
      `multiple repositories specified, cannot infer repository for "${other}"`,
    ],
    [
      'half a digest',
      { sources: ['sha256:abc'] },
      'failed to parse source "sha256:abc", valid sources are digests, references and descriptors: invalid checksum digest length',
    ],
    [
      'an upper-case name',
      { sources: ['Foo'] },
      /^failed to parse source "Foo", valid sources are .*: invalid reference format: repository name \(library\/Foo\) must be lowercase$/,
    ],
    [
      'an index for a descriptor',
      { sources: ['{"schemaVersion":2}'] },
      /: expected an OCI content descriptor, got a manifest or index \(schemaVersion 2\)$/,
    ],
    ['a descriptor without digest', { sources: ['{}'] }, /: invalid descriptor: digest is required$/],
    [
      'a descriptor with a bad digest',
      { sources: ['{"digest":"x"}'] },
      /: invalid descriptor digest: invalid checksum digest format$/,
    ],
    ['broken JSON', { sources: ['{'] }, /: failed to parse descriptor: invalid JSON$/],
    [
      'a platform that is none',
      { sources: ['a'], platforms: ['nope'] },
      'invalid platform "nope": "nope": unknown operating system or architecture: invalid argument',
    ],
    [
      'a platform it has not',
      { sources: ['me/app:v1'], platforms: ['linux/s390x'] },
      'none of the manifests match the provided platforms',
    ],
    [
      'a platform that a lone manifest is not of',
      { sources: ['me/app:amd'], platforms: ['linux/s390x'], preferIndex: false },
      'input platform linux/amd64 does not match any of the provided platforms',
    ],
    [
      'an annotation of another kind',
      { sources: ['me/app:v1'], annotations: ['index-descriptor:a=b'] },
      '"index-descriptor" annotations are invalid while creating an image',
    ],
    [
      'an annotation without a value',
      { sources: ['me/app:v1'], annotations: ['foo'] },
      'failed to parse annotations: invalid annotation "foo", expected key=value',
    ],
    ['a tag that is not there', { sources: ['me/app:nope'] }, 'docker.io/me/app:nope: not found'],
  ]
  for (const [what, fields, message] of refused) {
    it(`refuses ${what}`, async () => {
      const { tools } = await samples()
      await assert.rejects(planCreate(request(fields), tools), { name: 'SlipwayError', message })
    })
  }

  it('refuses a descriptor whose size is not that of the content', async () => {
    const { tools, amd } = await samples()
    const wrong = JSON.stringify({ ...amd.descriptor, size: 3 })
    await assert.rejects(planCreate(request({ tags: ['me/app:x'], sources: [wrong] }), tools), {
      message: `invalid size mismatch for ${amd.descriptor.digest}, 3 != ${amd.descriptor.size}`,
    })
  })
})

describe('publish', () => {
  it('copies across repositories by mount, tags everywhere, and tells what it does', async () => {
    await using registry = await InProcessRegistry.start()
    using client = TestClient.make()
    const tools: ImageTools = { open: imageStoreOpener({ registry: client }), defaultPlatform: amd64 }
    const { index } = await putSamples(client.at(registry.host, 'me/app'))
    const to = `${registry.host}/other/app`
    const plan = await planCreate(
      request({ sources: [`${registry.host}/me/app:v1`], tags: [`${to}:a`, `${to}:b`] }),
      tools,
    )
    const uploads = registry.seen('PUT', 'uploads').length
    const events: PublishEvent[] = []
    await publish(plan, tools, e => void events.push(e))
    assert.equal(registry.seen('PUT', 'uploads').length, uploads)
    const target = client.at(registry.host, 'other/app')
    assert.deepEqual(await target.tags(), ['a', 'b'])
    assert.equal((await target.head('b'))?.digest, index.descriptor.digest)
    const lines = events.flatMap(e => (e.kind === 'log' ? e.line : []))
    assert.equal(
      lines.filter(l => /^copying sha256:\S+ from \S+\/me\/app:v1 to \S+\/other\/app$/.test(l)).length,
      4,
    )
    assert.deepEqual(
      lines.slice(-2),
      ['a', 'b'].map(tag => `pushing ${index.descriptor.digest} to ${to}:${tag}`),
    )
    assert.deepEqual(
      events.filter(e => e.kind === 'start' || e.kind === 'end'),
      [
        { kind: 'start', name: to },
        { kind: 'end', name: to },
      ],
    )
  })

  it('goes from a registry into a layout directory and back, referrers included', async () => {
    await using registry = await InProcessRegistry.start({ referrersApi: false })
    const parent = await mkdtemp(join(tmpdir(), 'slipway-imagetools-'))
    const directory = join(parent, 'layout')
    using client = TestClient.make()
    const tools: ImageTools = { open: imageStoreOpener({ registry: client }), defaultPlatform: amd64 }
    try {
      const source = client.at(registry.host, 'a')
      const image = await putImage(source, { tag: 'v1' })
      const signature = await putSignature(source, image)
      const down = await planCreate(
        request({ sources: [`${registry.host}/a:v1`], tags: [`oci-layout://${directory}:x`] }),
        tools,
      )
      await publish(down, tools)
      assert.equal(
        (await new LayoutStore(directory).referrers(image.descriptor.digest))[0]?.digest,
        signature,
      )
      const up = await planCreate(
        request({ sources: [`oci-layout://${directory}:x`], tags: [`${registry.host}/b:v2`] }),
        tools,
      )
      assert.equal(up.descriptor.digest, down.descriptor.digest)
      await publish(up, tools)
      const target = client.at(registry.host, 'b')
      assert.equal((await target.head('v2'))?.digest, down.descriptor.digest)
      assert.equal((await target.referrers(image.descriptor.digest))[0]?.digest, signature)
      const byDigest = [`oci-layout://${directory}@${digestOf('other')}`]
      await assert.rejects(publish({ ...up, targets: byDigest.map(parseImageLocation) }, tools), {
        message: `target oci-layout://${directory}@${digestOf('other')} requested digest ${digestOf('other')} but produced ${up.descriptor.digest}`,
      })
    } finally {
      await rm(parent, { recursive: true })
    }
  })

  async function putSignature(
    store: ImageStore,
    image: { readonly descriptor: { readonly digest: string } },
  ): Promise<string> {
    const { marshalManifest, describeBytes } = await import('../oci/manifest.ts')
    const config = blobOf('{}', mediaType.ociEmpty)
    await store.putBlob(config.descriptor, config.open)
    const artifactType = 'application/vnd.dev.sigstore.bundle.v0.3+json'
    const subject = (await store.head(image.descriptor.digest)) ?? assert.fail()
    const bytes = marshalManifest({
      schemaVersion: 2,
      mediaType: mediaType.ociManifest,
      artifactType,
      config: config.descriptor,
      layers: [config.descriptor],
      subject,
    })
    await store.putManifest(describeBytes(bytes, mediaType.ociManifest), bytes)
    return digestOf(bytes)
  }

  it('says what failed, and from where to where', async () => {
    await using registry = await InProcessRegistry.start({
      fault: r =>
        r.method === 'PUT' && r.path.includes('/manifests/b') ? { kind: 'answer', status: 403 } : undefined,
    })
    using client = TestClient.make()
    const memory = new Memory()
    const { index } = await putSamples(memory.at('me/app'))
    const remote = imageStoreOpener({ registry: client })
    const tools: ImageTools = {
      defaultPlatform: amd64,
      open: l => (locationName(l).startsWith('127') ? remote(l) : memory.open(l)),
    }
    const plan = await planCreate(request({ sources: ['me/app:v1'], tags: [`${registry.host}/x:b`] }), tools)
    await assert.rejects(publish(plan, tools), {
      code: 'permission-denied',
      message: new RegExp(
        `^publish ${index.descriptor.digest} to 127\\S+/x:b: failed commit on ref "index-sha256:\\w+": unexpected status from PUT`,
      ),
    })
    const lost = {
      ...plan,
      parts: plan.parts.map(p => ({ ...p, source: { ...p.source, location: parseImageLocation('gone') } })),
    }
    await assert.rejects(publish(lost, tools), {
      code: 'not-found',
      message: /^copy sha256:\S+ from docker.io\/library\/gone:latest to 127\S+\/x:b: /,
    })
  })

  it('has metadata for a file', async () => {
    const { tools } = await samples()
    const plan = await planCreate(request({ sources: ['me/app:v1'], tags: ['b', 'a:1', 'a:2'] }), tools)
    assert.equal(
      createMetadata(plan),
      `{\n  "containerimage.descriptor": {\n    "mediaType": "${mediaType.ociIndex}",\n    "digest": "${plan.descriptor.digest}",\n    "size": ${plan.descriptor.size}\n  },\n  "image.name": "docker.io/library/a,docker.io/library/b"\n}`,
    )
  })
})

describe('inspect', () => {
  const formatted = async (name: string, format: string): Promise<string> => {
    const { tools } = await samples()
    return await formatInspected(await inspectImage(name, tools), format, tools)
  }

  it('shows an index as text, images first as they stand, with their annotations', async () => {
    const { tools, amd, arm, index, attestations } = await samples()
    const block = (digest: string, platform: string): string =>
      `  Name:        docker.io/me/app:v1@${digest}\n  MediaType:   ${mediaType.ociManifest}\n  Platform:    ${platform}\n`
    const [one, two] = attestations
    const annotations = (subject: string): string =>
      `  Annotations: \n    vnd.docker.reference.digest: ${subject}\n    vnd.docker.reference.type:   attestation-manifest\n`
    const blank = `${' '.repeat(15)}\n`
    assert.equal(
      inspectText(await inspectImage('me/app:v1', tools)),
      `Name:      docker.io/me/app:v1\nMediaType: ${mediaType.ociIndex}\nDigest:    ${index.descriptor.digest}\n${' '.repeat(11)}\nManifests: \n` +
        block(amd.descriptor.digest, 'linux/amd64') +
        blank +
        block(arm.descriptor.digest, 'linux/arm/v7') +
        blank +
        block(one?.digest ?? '', 'unknown/unknown') +
        annotations(amd.descriptor.digest) +
        blank +
        block(two?.digest ?? '', 'unknown/unknown') +
        annotations(arm.descriptor.digest),
    )
  })

  it('shows a single manifest in three lines, and the bytes as they are', async () => {
    const { tools, amd } = await samples()
    const inspected = await inspectImage('me/app:amd', tools)
    assert.equal(
      inspectText(inspected),
      `Name:      docker.io/me/app:amd\nMediaType: ${mediaType.ociManifest}\nDigest:    ${amd.descriptor.digest}\n`,
    )
    assert.equal(digestOf(inspected.bytes), amd.descriptor.digest)
  })

  it('shows OS version, features and URLs', async () => {
    const tools = new Memory()
    const image = await putImage(tools.at('a'), { tag: 'x' })
    const platform = {
      architecture: 'amd64',
      os: 'windows',
      'os.version': '10.0.1',
      'os.features': ['a', 'b'],
    }
    await putIndex(tools.at('a'), [{ ...image.descriptor, platform, urls: ['https://x'] }], { tag: 'w' })
    assert.match(
      inspectText(await inspectImage('a:w', tools)),
      /  Platform:   windows\/amd64\n  OSVersion:  10\.0\.1\n  OSFeatures: a, b\n  URLs:       https:\/\/x\n$/,
    )
  })

  const formats: readonly [name: string, format: string, expected: string | RegExp][] = [
    ['me/app:v1', '{{.Name}} {{.Manifest.MediaType}}', `me/app:v1 ${mediaType.ociIndex}`],
    [
      'me/app:v1',
      '{{range .Manifest.Manifests}}{{.Platform.OS}}/{{.Platform.Architecture}} {{end}}',
      'linux/amd64 linux/arm unknown/unknown unknown/unknown ',
    ],
    [
      'me/app:v1',
      '{{range $p, $i := .Image}}{{$p}}={{$i.Architecture}} {{end}}',
      'linux/amd64=amd64 linux/arm/v7=arm ',
    ],
    ['me/app:v1', '{{(index .SBOM "linux/amd64").SPDX.spdxVersion}}', 'SPDX-2.3'],
    [
      'me/app:v1',
      '{{json .Provenance}}',
      '{\n  "linux/amd64": {\n    "SLSA": {\n      "a": 1e+21,\n      "builder": {\n        "id": ""\n      },\n      "z": 1\n    }\n  },\n  "linux/arm/v7": {\n    "SLSA": {\n      "q": 1\n    }\n  }\n}',
    ],
    [
      'me/app:v1',
      '{{json (index .Image "linux/amd64").Config}}',
      '{\n  "Labels": {\n    "x": "\\u003cy\\u003e"\n  }\n}',
    ],
    ['me/app:amd', '{{json .SBOM}}{{json .Provenance}}', '{}{}'],
    ['me/app:amd', '{{.Image.Config.Labels}} {{.Image.OS}} {{.Image.Created}}', 'map[x:<y>] linux <nil>'],
    [
      'me/app:amd',
      '{{json .}}',
      /^\{\n  "name": "me\/app:amd",\n  "manifest": \{\n    "mediaType": "[^"]*",\n    "digest": "[^"]*",\n    "size": \d+\n  \},\n  "image": \{\n    "architecture": "amd64",\n    "os": "linux",\n    "config": \{/,
    ],
    ['me/app:amd', ' {{ .Manifest }}', /^Name:      docker.io\/me\/app:amd\nMediaType: /],
  ]
  for (const [name, format, expected] of formats) {
    it(`formats ${name} as ${format}`, async () => {
      const text = await formatted(name, format)
      if (typeof expected === 'string') assert.equal(text, expected)
      else assert.match(text, expected)
    })
  }

  it('gives the errors of Go templates', async () => {
    await assert.rejects(formatted('me/app:amd', '{{.Foo}}'), {
      message:
        'template: :1:2: executing "" at <.Foo>: can\'t evaluate field Foo in type imagetools.tplInput',
    })
    await assert.rejects(formatted('me/app:amd', '{{nope}}'), {
      message: 'template: :1: function "nope" not defined',
    })
  })

  it('opens signed envelopes', async () => {
    const tools = new Memory()
    const store = tools.at('a')
    const image = await putImage(store, { tag: 'x' })
    const payload = btoa(JSON.stringify({ predicate: { signed: true } }))
    const layer = blobOf(JSON.stringify({ payload }), 'application/vnd.in-toto.provenance+dsse')
    await store.putBlob(layer.descriptor, layer.open)
    const attestation = await putAttestation(store, image.descriptor, [])
    const { bytes } = await store.resolve(attestation.digest)
    const { marshalManifest, describeBytes } = await import('../oci/manifest.ts')
    const annotations = { [annotation.predicateType]: 'https://slsa.dev/provenance/v1' }
    const signed = marshalManifest({
      ...parseImageManifest(bytes),
      layers: [{ ...layer.descriptor, annotations }],
    })
    const entry = { ...attestation, ...describeBytes(signed, mediaType.ociManifest) }
    await store.putManifest(entry, signed)
    await putIndex(store, [{ ...image.descriptor, platform: amd64 }, entry], { tag: 'signed' })
    assert.equal(
      await formatInspected(await inspectImage('a:signed', tools), '{{.Provenance.SLSA.signed}}', tools),
      'true',
    )
  })

  it('gives one clear error for attestations that are not what they seem', async () => {
    const tools = new Memory()
    const store = tools.at('a')
    const image = await putImage(store)
    const deep = await putAttestation(store, image.descriptor, [
      ['https://spdx.dev/Document', JSON.parse(`${'['.repeat(3000)}${']'.repeat(3000)}`)],
    ])
    await putIndex(store, [{ ...image.descriptor, platform: amd64 }, deep], { tag: 'deep' })
    await assert.rejects(formatInspected(await inspectImage('a:deep', tools), '{{json .SBOM}}', tools), {
      message: /exceeded max depth$/,
    })
    const lost = { ...deep, digest: digestOf('lost') }
    await putIndex(store, [{ ...image.descriptor, platform: amd64 }, lost], { tag: 'lost' })
    await assert.rejects(formatInspected(await inspectImage('a:lost', tools), '{{json .}}', tools), {
      code: 'not-found',
    })
  })
})
