import type { Descriptor } from '../../oci/descriptor.ts'
import { type Digest, digestOf } from '../../oci/digest.ts'
import type { ImageStore } from '../../oci/image-store.ts'
import { marshalImageConfig } from '../../oci/image-config-json.ts'
import { describeBytes, marshalIndex, marshalManifest } from '../../oci/manifest.ts'
import { mediaType } from '../../oci/media-type.ts'
import type { Platform } from '../../oci/platform.ts'
import { NodeTransport, type NodeTransportOptions } from '../http/node-transport.ts'
import type { RegistryRepository } from '../reg/registry-repository.ts'
import { RegistryClient, type RegistryClientOptions } from '../registry-client.ts'

/** A client for tests: its own connections, no waiting between tries. */
export class TestClient extends RegistryClient implements Disposable {
  readonly transport: NodeTransport
  /** Pauses that were asked for, in milliseconds. */
  readonly pauses: number[]
  /** Notices about tries. */
  readonly notices: string[]

  private constructor(
    transport: NodeTransport,
    pauses: number[],
    notices: string[],
    options: Partial<RegistryClientOptions>,
  ) {
    super({
      transport,
      retry: { sleep: async ms => void pauses.push(ms), onNotice: line => void notices.push(line) },
      ...options,
    })
    this.transport = transport
    this.pauses = pauses
    this.notices = notices
  }

  static make(
    options: Partial<RegistryClientOptions> & { readonly times?: NodeTransportOptions } = {},
  ): TestClient {
    const { times, ...rest } = options
    return new TestClient(new NodeTransport(times), [], [], rest)
  }

  /** The repository `host/path`. */
  at(host: string, path: string): RegistryRepository {
    return this.repository({ domain: host, path })
  }

  [Symbol.dispose](): void {
    this.transport[Symbol.dispose]()
  }
}

/** The bytes of a text, as something that can be put. */
export function blobOf(
  text: string | Uint8Array,
  type: string = mediaType.ociLayer,
): {
  readonly descriptor: Descriptor
  readonly open: (offset: number) => AsyncIterable<Uint8Array>
} {
  const bytes = typeof text === 'string' ? new TextEncoder().encode(text) : text
  return {
    descriptor: describeBytes(bytes, type),
    open: async function* (offset) {
      for (let at = offset; at < bytes.length; at += 65_536) yield bytes.subarray(at, at + 65_536)
    },
  }
}

/** What `putImage` put. */
export interface TestImage {
  readonly descriptor: Descriptor
  readonly bytes: Uint8Array
  readonly config: Descriptor
  readonly layers: readonly Descriptor[]
}

/** Puts a small image of one platform and the given layer contents. */
export async function putImage(
  store: ImageStore,
  options: {
    readonly platform?: Platform
    readonly layers?: readonly string[]
    readonly tag?: string
    readonly docker?: boolean
    readonly labels?: Readonly<Record<string, string>>
  } = {},
): Promise<TestImage> {
  const {
    platform = { architecture: 'amd64', os: 'linux' },
    layers = ['layer'],
    tag,
    docker = false,
    labels = {},
  } = options
  const types = docker
    ? { manifest: mediaType.dockerManifest, config: mediaType.dockerConfig, layer: mediaType.dockerLayerGzip }
    : { manifest: mediaType.ociManifest, config: mediaType.ociConfig, layer: mediaType.ociLayerGzip }
  const diffIds: Digest[] = layers.map(digestOf)
  const config = blobOf(
    marshalImageConfig({
      ...platform,
      config: { Labels: labels },
      rootfs: { type: 'layers', diff_ids: diffIds },
      history: [],
    }),
    types.config,
  )
  const blobs = layers.map(text => blobOf(text, types.layer))
  for (const { descriptor, open } of [config, ...blobs]) await store.putBlob(descriptor, open)
  const bytes = marshalManifest({
    schemaVersion: 2,
    mediaType: types.manifest,
    config: config.descriptor,
    layers: blobs.map(b => b.descriptor),
  })
  const descriptor = describeBytes(bytes, types.manifest)
  await store.putManifest(descriptor, bytes, tag === undefined ? {} : { tags: [tag] })
  return { descriptor, bytes, config: config.descriptor, layers: blobs.map(b => b.descriptor) }
}

/** Puts an index of manifests that are there. */
export async function putIndex(
  store: ImageStore,
  manifests: readonly Descriptor[],
  options: {
    readonly tag?: string
    readonly docker?: boolean
    readonly annotations?: Readonly<Record<string, string>>
  } = {},
): Promise<{ readonly descriptor: Descriptor; readonly bytes: Uint8Array }> {
  const { tag, docker = false, annotations } = options
  const type = docker ? mediaType.dockerManifestList : mediaType.ociIndex
  const bytes = marshalIndex({
    schemaVersion: 2,
    mediaType: type,
    manifests,
    ...(annotations === undefined ? {} : { annotations }),
  })
  const descriptor = describeBytes(bytes, type)
  await store.putManifest(descriptor, bytes, tag === undefined ? {} : { tags: [tag] })
  return { descriptor, bytes }
}
