import { gzipSync } from 'node:zlib'
import { digestOf } from '../../src/oci/digest.ts'
import { corpusImage, descriptorOf, type Loose } from './corpus-image.ts'
import type { CorpusImage } from './corpus-server.ts'
import { outside } from './layer-cases.ts'
import { file, tar } from './tar-bytes.ts'

const manifestType = 'application/vnd.oci.image.manifest.v1+json'
const indexType = 'application/vnd.oci.image.index.v1+json'
const configType = 'application/vnd.oci.image.config.v1+json'
const layerType = 'application/vnd.oci.image.layer.v1.tar'
const dockerManifest = 'application/vnd.docker.distribution.manifest.v2+json'
const dockerList = 'application/vnd.docker.distribution.manifest.list.v2+json'
const native = { os: 'linux', architecture: process.arch === 'x64' ? 'amd64' : process.arch }
const hex = (char: string): string => char.repeat(64)
const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value))

/** What is changed of a right image: members of its documents, or whole documents. `undefined` leaves a member out. */
interface Changes {
  readonly manifest?: Loose
  readonly layer?: Loose
  readonly config?: Loose
  readonly configDescriptor?: Loose
  readonly configBytes?: string | Uint8Array
  readonly root?: string | Uint8Array
  readonly type?: string
  readonly layers?: number
}

/** An image with one small layer and the changes. `name` makes its content its own. */
function image(name: string, changes: Changes = {}): CorpusImage {
  const parts = parted(name, changes)
  return corpusImage(changes.root ?? parts.manifest, changes.type ?? manifestType, [
    parts.config,
    ...parts.layers,
  ])
}

function parted(name: string, changes: Changes): { config: Buffer; layers: Buffer[]; manifest: Buffer } {
  const layers = Array.from({ length: changes.layers ?? 1 }, (_, i) => tar(file('f', `${name} ${i}`)))
  const config = Buffer.from(
    (changes.configBytes as string | undefined) ??
      json({
        ...native,
        config: {},
        rootfs: { type: 'layers', diff_ids: layers.map(one => digestOf(one)) },
        ...changes.config,
      }),
  )
  const manifest = json({
    schemaVersion: 2,
    mediaType: manifestType,
    config: { ...descriptorOf(configType, config), ...changes.configDescriptor },
    layers: layers.map(one => ({ ...descriptorOf(layerType, one), ...changes.layer })),
    ...changes.manifest,
  })
  return { config, layers, manifest }
}

/** An index over right images. `entries` makes its descriptors of the right one's. */
function index(
  name: string,
  entries: (right: Loose) => readonly unknown[],
  changes: Loose = {},
  type: string = indexType,
): CorpusImage {
  const parts = parted(name, {})
  const right = { ...descriptorOf(manifestType, parts.manifest), platform: native }
  const root = json({ schemaVersion: 2, mediaType: indexType, manifests: entries(right), ...changes })
  return corpusImage(root, type, [parts.config, ...parts.layers], [[parts.manifest, manifestType]])
}

/** Indexes in indexes, `depth` of them. */
function nested(name: string, depth: number): CorpusImage {
  const parts = parted(name, {})
  const documents: [Buffer, string][] = [[parts.manifest, manifestType]]
  let inner: Loose = { ...descriptorOf(manifestType, parts.manifest), platform: native }
  for (let i = 0; i < depth; i++) {
    const bytes = json({ schemaVersion: 2, mediaType: indexType, manifests: [inner] })
    documents.push([bytes, indexType])
    inner = { ...descriptorOf(indexType, bytes), platform: native }
  }
  const [root] = documents.at(-1) ?? []
  return corpusImage(root ?? '', indexType, [parts.config, ...parts.layers], documents)
}

const diff = (name: string): string => digestOf(tar(file('f', `${name} 0`)))
const rootfs = (...ids: readonly unknown[]): Loose => ({ rootfs: { type: 'layers', diff_ids: ids } })

type Make = (name: string) => CorpusImage
const cases: Readonly<Record<string, Make>> = {
  'right: manifest': n => image(n),
  'right: index': n => index(n, right => [right]),
  'right: Docker manifest': n => image(n, { manifest: { mediaType: dockerManifest }, type: dockerManifest }),
  'right: no layers': n => image(n, { layers: 0 }),
  'right: layers are null': n => image(n, { layers: 0, manifest: { layers: null } }),
  'right: no layers member': n => image(n, { layers: 0, manifest: { layers: undefined } }),

  'digest of a layer: climbs': n => image(n, { layer: { digest: 'sha256:../../../../../../etc/passwd' } }),
  'digest of a layer: a path': n => image(n, { layer: { digest: `sha256:${outside}/file` } }),
  'digest of a layer: upper case': n => image(n, { layer: { digest: `sha256:${hex('A')}` } }),
  'digest of a layer: SHA256': n => image(n, { layer: { digest: `SHA256:${hex('a')}` } }),
  'digest of a layer: sha512': n => image(n, { layer: { digest: `sha512:${hex('a')}${hex('a')}` } }),
  'digest of a layer: md5': n => image(n, { layer: { digest: 'md5:d41d8cd98f00b204e9800998ecf8427e' } }),
  'digest of a layer: short': n => image(n, { layer: { digest: 'sha256:abcdef' } }),
  'digest of a layer: long': n => image(n, { layer: { digest: `sha256:${hex('a')}a` } }),
  'digest of a layer: no algorithm': n => image(n, { layer: { digest: hex('a') } }),
  'digest of a layer: empty': n => image(n, { layer: { digest: '' } }),
  'digest of a layer: missing': n => image(n, { layer: { digest: undefined } }),
  'digest of a layer: null': n => image(n, { layer: { digest: null } }),
  'digest of a layer: a number': n => image(n, { layer: { digest: 5 } }),
  'digest of a layer: newline behind': n => image(n, { layer: { digest: `sha256:${hex('a')}\n` } }),
  'digest of a layer: NUL': n => image(n, { layer: { digest: `sha256:${'a'.repeat(63)}\0` } }),
  'digest of a layer: query': n => image(n, { layer: { digest: `sha256:${hex('a')}?x` } }),
  'digest of a layer: blob is not there': n => image(n, { layer: { digest: `sha256:${hex('b')}` } }),
  'digest of a layer: of other bytes': n => {
    const right = image(n)
    const [config = '', layer = ''] = Object.keys(right.blobs)
    return { ...right, blobs: { [config]: right.blobs[config] ?? Buffer.alloc(0), [layer]: tar(file('f', 'other')) } }
  },
  'digest of the config: climbs': n => image(n, { configDescriptor: { digest: 'sha256:../../etc/passwd' } }),
  'digest of the config: sha512': n => image(n, { configDescriptor: { digest: `sha512:${hex('a')}${hex('a')}` } }),
  'digest of the config: missing': n => image(n, { configDescriptor: { digest: undefined } }),
  'digest of the config: blob is not there': n => image(n, { configDescriptor: { digest: `sha256:${hex('b')}` } }),
  'digest of a manifest: climbs': n => index(n, right => [{ ...right, digest: 'sha256:../../../etc/passwd' }]),
  'digest of a manifest: of another platform climbs': n =>
    index(n, right => [{ ...right, digest: 'sha256:../x', platform: { os: 'plan9', architecture: 'mips' } }, right]),
  'digest of a manifest: not there': n => index(n, right => [{ ...right, digest: `sha256:${hex('b')}` }]),
  'digest of a manifest: sha512': n => index(n, right => [{ ...right, digest: `sha512:${hex('a')}${hex('a')}` }]),

  'size of a layer: too small': n => image(n, { layer: { size: 10 } }),
  'size of a layer: too large': n => image(n, { layer: { size: 100_000 } }),
  'size of a layer: 0': n => image(n, { layer: { size: 0 } }),
  'size of a layer: negative': n => image(n, { layer: { size: -1 } }),
  'size of a layer: a string': n => image(n, { layer: { size: '2048' } }),
  'size of a layer: a fraction': n => image(n, { layer: { size: 2048.5 } }),
  'size of a layer: huge': n => image(n, { layer: { size: 2 ** 62 } }),
  'size of a layer: missing': n => image(n, { layer: { size: undefined } }),
  'size of a layer: null': n => image(n, { layer: { size: null } }),
  'size of the config: too small': n => image(n, { configDescriptor: { size: 10 } }),
  'size of the config: too large': n => image(n, { configDescriptor: { size: 5000 } }),
  'size of the config: huge': n => image(n, { configDescriptor: { size: 2 ** 40 } }),
  'size of the config: missing': n => image(n, { configDescriptor: { size: undefined } }),
  'size of a manifest: too small': n => index(n, right => [{ ...right, size: 10 }]),
  'size of a manifest: too large': n => index(n, right => [{ ...right, size: 100_000 }]),
  'size of a manifest: huge': n => index(n, right => [{ ...right, size: 2 ** 40 }]),
  'size of a manifest: negative': n => index(n, right => [{ ...right, size: -5 }]),
  'size of a manifest: missing': n => index(n, right => [{ ...right, size: undefined }]),

  'index: empty': n => index(n, () => []),
  'index: manifests are null': n => index(n, () => [], { manifests: null }),
  'index: manifests are an object': n => index(n, () => [], { manifests: {} }),
  'index: an entry is null': n => index(n, right => [null, right]),
  'index: an entry is a string': n => index(n, right => ['x', right]),
  'index: in an index': n => nested(n, 2),
  'index: nested 5 deep': n => nested(n, 5),
  'index: nested 60 deep': n => nested(n, 60),
  'index: 10,000 entries': n =>
    index(n, right => [...Array.from({ length: 9999 }, (_, i) => ({ ...right, digest: digestOf(`${i}`), platform: { os: 'plan9', architecture: `a${i}` } })), right]),
  'index: 10,001 entries': n =>
    index(n, right => [...Array.from({ length: 10_000 }, (_, i) => ({ ...right, digest: digestOf(`${i}`), platform: { os: 'x', architecture: `a${i}` } })), right]),
  'index: the same entry twice': n => index(n, right => [right, right]),
  'index: no platform': n => index(n, right => [{ ...right, platform: undefined }]),
  'index: empty platform': n => index(n, right => [{ ...right, platform: {} }]),
  'index: platform is null': n => index(n, right => [{ ...right, platform: null }]),
  'index: platform is a string': n => index(n, right => [{ ...right, platform: 'linux/amd64' }]),
  'index: os is a number': n => index(n, right => [{ ...right, platform: { os: 5, architecture: 'amd64' } }]),
  'index: another platform only': n => index(n, right => [{ ...right, platform: { os: 'linux', architecture: 's390x' } }]),
  'index: odd spelling of the platform': n => index(n, right => [{ ...right, platform: { os: 'Linux', architecture: 'x86_64' } }]),
  'index: variant that is not the host\'s': n => index(n, right => [{ ...right, platform: { ...native, variant: 'v9' } }]),
  'index: variant v1': n => index(n, right => [{ ...right, platform: { ...native, variant: 'v1' } }]),
  'index: os.version and features': n => index(n, right => [{ ...right, platform: { ...native, 'os.version': '1', 'os.features': ['x'] } }]),
  'index: unknown platform only': n => index(n, right => [{ ...right, platform: { os: 'unknown', architecture: 'unknown' } }]),
  'index: attestation first': n =>
    index(n, right => [{ ...right, platform: { os: 'unknown', architecture: 'unknown' }, annotations: { 'vnd.docker.reference.type': 'attestation-manifest', 'vnd.docker.reference.digest': 'sha256:../x' } }, right]),
  'index: no schemaVersion': n => index(n, right => [right], { schemaVersion: undefined }),
  'index: schemaVersion 3': n => index(n, right => [right], { schemaVersion: 3 }),
  'index: schemaVersion is a string': n => index(n, right => [right], { schemaVersion: '2' }),
  'index: no mediaType': n => index(n, right => [right], { mediaType: undefined }),
  'index: mediaType of a manifest': n => index(n, right => [right], { mediaType: manifestType }),
  'index: mediaType is a number': n => index(n, right => [right], { mediaType: 7 }),
  'index: served as a manifest': n => index(n, right => [right], {}, manifestType),
  'index: served as Docker\'s': n => index(n, right => [right], {}, dockerList),
  'index: served as JSON': n => index(n, right => [right], {}, 'application/json'),
  'index: entry\'s type is unknown': n => index(n, right => [{ ...right, mediaType: 'application/x-unknown' }]),
  'index: entry has no type': n => index(n, right => [{ ...right, mediaType: undefined }]),
  'index: entry says index, is a manifest': n => index(n, right => [{ ...right, mediaType: indexType }]),
  'index: annotations of wrong types': n => index(n, right => [{ ...right, annotations: { a: 5 } }]),
  'index: annotations are a list': n => index(n, right => [right], { annotations: ['x'] }),
  'index: config and layers too': n => index(n, right => [right], { config: {}, layers: [] }),
  'index: subject': n => index(n, right => [right], { subject: { mediaType: manifestType, digest: 'sha256:../x', size: 5 } }),
  'index: data': n => index(n, right => [{ ...right, data: 'bm90IGl0' }]),
  'index: urls': n => index(n, right => [{ ...right, urls: ['file:///etc/passwd'] }]),

  'manifest: no JSON': n => image(n, { root: '<html>proxy</html>' }),
  'manifest: empty': n => image(n, { root: '' }),
  'manifest: null': n => image(n, { root: 'null' }),
  'manifest: a list': n => image(n, { root: '[]' }),
  'manifest: a string': n => image(n, { root: '"manifest"' }),
  'manifest: an empty object': n => image(n, { root: '{}' }),
  'manifest: cut': n => image(n, { root: '{"schemaVersion":2,"config":{' }),
  'manifest: two documents': n => image(n, { root: Buffer.concat([parted(n, {}).manifest, Buffer.from('{}')]) }),
  'manifest: BOM': n => image(n, { root: Buffer.concat([Buffer.from('\ufeff'), parted(n, {}).manifest]) }),
  'manifest: UTF-16': n => image(n, { root: Buffer.from(parted(n, {}).manifest.toString(), 'utf16le') }),
  'manifest: spaces around': n => image(n, { root: `\n ${parted(n, {}).manifest.toString()} \n` }),
  'manifest: not UTF-8': n => image(n, { root: Buffer.concat([Buffer.from('{"x":"\xff\xfe",', 'latin1'), parted(n, {}).manifest.subarray(1)]) }),
  'manifest: deep': n => image(n, { root: `{"a":${'['.repeat(5000)}${']'.repeat(5000)},${parted(n, {}).manifest.toString().slice(1)}` }),
  'manifest: deeper': n => image(n, { root: `{"a":${'['.repeat(100_000)}${']'.repeat(100_000)},${parted(n, {}).manifest.toString().slice(1)}` }),
  'manifest: 5 MB': n => image(n, { manifest: { annotations: { a: 'x'.repeat(5_000_000) } } }),
  'manifest: 50 MB': n => image(n, { manifest: { annotations: { a: 'x'.repeat(50_000_000) } } }),
  'manifest: key twice, last one right': n => image(n, { root: `{"config":{"digest":"sha256:../x"},${parted(n, {}).manifest.toString().slice(1)}` }),
  'manifest: key twice, first one right': n => image(n, { root: `${parted(n, {}).manifest.toString().slice(0, -1)},"layers":[]}` }),
  'manifest: key in another case': n => image(n, { root: parted(n, {}).manifest.toString().replace('"layers"', '"Layers"') }),
  'manifest: __proto__': n => image(n, { root: `{"__proto__":{"layers":[]},"constructor":5,${parted(n, {}).manifest.toString().slice(1)}` }),
  'manifest: schema 1': n =>
    image(n, { root: json({ schemaVersion: 1, name: 'x', tag: 'y', architecture: 'amd64', fsLayers: [{ blobSum: `sha256:${hex('a')}` }], history: [{ v1Compatibility: '{}' }] }), type: 'application/vnd.docker.distribution.manifest.v1+prettyjws' }),
  'manifest: schemaVersion 1 with layers': n => image(n, { manifest: { schemaVersion: 1 } }),
  'manifest: schemaVersion 3': n => image(n, { manifest: { schemaVersion: 3 } }),
  'manifest: no schemaVersion': n => image(n, { manifest: { schemaVersion: undefined } }),
  'manifest: mediaType of an index': n => image(n, { manifest: { mediaType: indexType } }),
  'manifest: no mediaType': n => image(n, { manifest: { mediaType: undefined } }),
  'manifest: unknown mediaType': n => image(n, { manifest: { mediaType: 'application/x-unknown' } }),
  'manifest: served as an index': n => image(n, { type: indexType }),
  'manifest: served as text': n => image(n, { type: 'text/plain' }),
  'manifest: served without a type': n => image(n, { type: '' }),
  'manifest: served with a charset': n => image(n, { type: `${manifestType}; charset=utf-8` }),
  'manifest: config is null': n => image(n, { manifest: { config: null } }),
  'manifest: config is a list': n => image(n, { manifest: { config: [] } }),
  'manifest: layers are an object': n => image(n, { manifest: { layers: {} } }),
  'manifest: a layer is null': n => image(n, { manifest: { layers: [null] } }),
  'manifest: annotations of wrong types': n => image(n, { manifest: { annotations: { a: { b: 1 } } } }),
  'manifest: annotations are null': n => image(n, { manifest: { annotations: null } }),
  'manifest: a layer with urls': n => image(n, { layer: { urls: ['http://169.254.169.254/latest', 'file:///etc/passwd'], mediaType: 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip' } }),
  'manifest: a layer with data': n => image(n, { layer: { data: 'bm90IGl0' } }),
  'manifest: a layer without type': n => image(n, { layer: { mediaType: undefined } }),
  'manifest: a layer of type number': n => image(n, { layer: { mediaType: 5 } }),
  'manifest: config without type': n => image(n, { configDescriptor: { mediaType: undefined } }),
  'manifest: config of an unknown type': n => image(n, { configDescriptor: { mediaType: 'application/x-unknown' } }),
  'manifest: an artifact': n =>
    image(n, { configBytes: '{}', configDescriptor: { mediaType: 'application/vnd.oci.empty.v1+json' }, manifest: { artifactType: 'application/x-thing' }, layer: { mediaType: 'text/plain' } }),
  'manifest: an artifact without layers': n =>
    image(n, { layers: 0, configBytes: '{}', configDescriptor: { mediaType: 'application/vnd.oci.empty.v1+json' }, manifest: { artifactType: 'application/x-thing' } }),
  'manifest: a Helm chart': n =>
    image(n, { configBytes: '{"name":"x","version":"1"}', configDescriptor: { mediaType: 'application/vnd.cncf.helm.config.v1+json' }, layer: { mediaType: 'application/vnd.cncf.helm.chart.content.v1.tar+gzip' } }),
  'manifest: 200 layers': n => image(n, { layers: 200 }),

  'config: no JSON': n => image(n, { configBytes: 'not JSON' }),
  'config: empty': n => image(n, { configBytes: '' }),
  'config: null': n => image(n, { configBytes: 'null' }),
  'config: a list': n => image(n, { configBytes: '[]' }),
  'config: an empty object': n => image(n, { configBytes: '{}' }),
  'config: deep': n => image(n, { configBytes: `{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}` }),
  'config: gzip': n => image(n, { configBytes: gzipSync('{}') }),
  'config: 9 MB': n => image(n, { config: { comment: 'x'.repeat(9_000_000) } }),
  'config: no rootfs': n => image(n, { config: { rootfs: undefined } }),
  'config: rootfs is null': n => image(n, { config: { rootfs: null } }),
  'config: rootfs is a string': n => image(n, { config: { rootfs: 'x' } }),
  'config: rootfs of another type': n => image(n, { config: { rootfs: { type: 'other', diff_ids: [diff(n)] } } }),
  'config: rootfs without type': n => image(n, { config: { rootfs: { diff_ids: [diff(n)] } } }),
  'config: no diffIDs': n => image(n, { config: rootfs() }),
  'config: more diffIDs': n => image(n, { config: rootfs(diff(n), diff(n)) }),
  'config: diffID is another': n => image(n, { config: rootfs(`sha256:${hex('c')}`) }),
  'config: diffID is none': n => image(n, { config: rootfs('sha256:../../x') }),
  'config: diffID is empty': n => image(n, { config: rootfs('') }),
  'config: diffID is null': n => image(n, { config: rootfs(null) }),
  'config: diffID is a number': n => image(n, { config: rootfs(5) }),
  'config: diffID is sha512': n => image(n, { config: rootfs(`sha512:${hex('c')}${hex('c')}`) }),
  'config: diffIDs are an object': n => image(n, { config: { rootfs: { type: 'layers', diff_ids: {} } } }),
  'config: no platform': n => image(n, { config: { os: undefined, architecture: undefined } }),
  'config: another architecture': n => image(n, { config: { architecture: 's390x' } }),
  'config: another os': n => image(n, { config: { os: 'windows' } }),
  'config: architecture is a number': n => image(n, { config: { architecture: 5 } }),
  'config: architecture climbs': n => image(n, { config: { architecture: '../../x' } }),
  'config: variant': n => image(n, { config: { variant: 'v9' } }),
  'config: history of wrong type': n => image(n, { config: { history: 'x' } }),
  'config: history entries of wrong types': n => image(n, { config: { history: [5] } }),
  'config: history entry is null': n => image(n, { config: { history: [null] } }),
  'config: history shorter': n => image(n, { config: { history: [] } }),
  'config: history longer': n => image(n, { config: { history: [{ created_by: 'a' }, { created_by: 'b' }, { created_by: 'c', empty_layer: true }] } }),
  'config: history all empty': n => image(n, { config: { history: [{ created_by: 'a', empty_layer: true }] } }),
  'config: history time is none': n => image(n, { config: { history: [{ created: 'yesterday' }] } }),
  'config: created is none': n => image(n, { config: { created: 'yesterday' } }),
  'config: created is a number': n => image(n, { config: { created: 5 } }),
  'config: created is null': n => image(n, { config: { created: null } }),
  'config: created in the year 0': n => image(n, { config: { created: '0001-01-01T00:00:00Z' } }),
  'config: config is null': n => image(n, { config: { config: null } }),
  'config: config is a list': n => image(n, { config: { config: [] } }),
  'config: no config': n => image(n, { config: { config: undefined } }),
  'config: Env is a string': n => image(n, { config: { config: { Env: 'A=b' } } }),
  'config: Env has odd entries': n => image(n, { config: { config: { Env: ['A', '=b', '', 'A=1', 'A=2', 'X=\u0000'] } } }),
  'config: Env has a null': n => image(n, { config: { config: { Env: [null] } } }),
  'config: Entrypoint is a string': n => image(n, { config: { config: { Entrypoint: '/bin/sh' } } }),
  'config: Cmd is null': n => image(n, { config: { config: { Cmd: null } } }),
  'config: Volumes are a list': n => image(n, { config: { config: { Volumes: ['/x'] } } }),
  'config: Volumes climb': n => image(n, { config: { config: { Volumes: { '../../x': {} } } } }),
  'config: ExposedPorts are odd': n => image(n, { config: { config: { ExposedPorts: { 'x/y': {}, '': {} } } } }),
  'config: Labels of wrong types': n => image(n, { config: { config: { Labels: { a: 1 } } } }),
  'config: WorkingDir climbs': n => image(n, { config: { config: { WorkingDir: '../../..' } } }),
  'config: WorkingDir is a number': n => image(n, { config: { config: { WorkingDir: 5 } } }),
  'config: OnBuild is broken': n => image(n, { config: { config: { OnBuild: ['FORM x'] } } }),
  'config: OnBuild with FROM': n => image(n, { config: { config: { OnBuild: ['FROM scratch'] } } }),
  'config: OnBuild with ONBUILD': n => image(n, { config: { config: { OnBuild: ['ONBUILD RUN x'] } } }),
  'config: OnBuild is empty text': n => image(n, { config: { config: { OnBuild: [''] } } }),
  'config: OnBuild with two lines': n => image(n, { config: { config: { OnBuild: ['LABEL a=1\nLABEL b=2'] } } }),
  'config: OnBuild copies from itself': n => image(n, { config: { config: { OnBuild: ['COPY --from=nowhere-such-stage /a /b'] } } }),
  'config: Healthcheck of wrong type': n => image(n, { config: { config: { Healthcheck: 'x' } } }),
  'config: Healthcheck negative': n => image(n, { config: { config: { Healthcheck: { Interval: -5, Retries: -1 } } } }),
  'config: Shell is a string': n => image(n, { config: { config: { Shell: 'sh' } } }),
  'config: StopSignal is none': n => image(n, { config: { config: { StopSignal: 'NOPE' } } }),
  'config: User is odd': n => image(n, { config: { config: { User: 'a:b:c' } } }),
  'config: key in another case': n => image(n, { config: { RootFS: { type: 'layers', diff_ids: [diff(n)] }, rootfs: undefined } }),
} // biome-ignore format: a table

/** Images by name, with documents that are not as they should be. */
export const imageCases: Readonly<Record<string, () => CorpusImage>> = Object.fromEntries(
  Object.entries(cases).map(([name, make]) => [name, () => make(name)]),
)
