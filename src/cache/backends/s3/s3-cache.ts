import { bytesOf } from '../../../bytes/byte-stream.ts'
import { wrapError } from '../../../errors/slipway-error.ts'
import type { Attributes } from '../../../exporter/attributes.ts'
import { readCompression } from '../../../exporter/compression-options.ts'
import { type Digest, digestHex } from '../../../oci/digest.ts'
import type { CacheContext, CacheExporter, CacheImporter, ReadLayer } from '../cache-backend.ts'
import { describedCache, readDescribed, writeLayers } from '../described-cache.ts'
import type { CloudAccess } from '../service/cloud-access.ts'
import { renewed } from '../service/renewed.ts'
import { awsCredentials } from './credentials.ts'
import { S3Bucket } from './s3-bucket.ts'
import { readS3Config, type S3Config } from './s3-config.ts'
import { sha256Hex } from './sigv4.ts'

/**
 * `type=s3`: a cache read from a bucket; one that is not there is empty. Throws `invalid-argument`.
 * Behaviour: https://github.com/moby/buildkit/blob/v0.32.2/cache/remotecache/s3/s3.go
 */
export function createS3Importer(attrs: Attributes, access: CloudAccess): CacheImporter {
  const config = readS3Config(attrs, access.env)
  return {
    async load(ctx) {
      const bucket = openBucket(config, access, ctx)
      const key = config.manifestsPrefix + (config.names[0] ?? '')
      const found = await readDescribed(() => bucket.get(key))
      return {
        caches: found === undefined ? [] : [found],
        blobs: {
          fetch: ({ digest, size }, { signal } = {}) => bucket.read(blobKey(config, digest), size, signal),
        },
      }
    },
  }
}

/** `type=s3`: a cache written into a bucket under all its names. Throws `invalid-argument`. */
export function createS3Exporter(attrs: Attributes, access: CloudAccess): CacheExporter {
  const config = readS3Config(attrs, access.env)
  return {
    name: 'exporting cache to Amazon S3',
    compression: readCompression({}),
    async write(cache, read, ctx) {
      const bucket = openBucket(config, access, ctx)
      const work = layerWork(config, bucket, read, access)
      await writeLayers(cache, { limit: config.uploadParallelism, ...work }, ctx)
      const bytes = describedCache(cache)
      const content = { size: bytes.byteLength, open: (offset: number) => bytesOf(bytes.subarray(offset)) }
      for (const name of config.names) {
        try {
          await bucket.put(config.manifestsPrefix + name, content, sha256Hex(bytes))
        } catch (error) {
          throw wrapError(`error writing manifest: ${name}`, error)
        }
      }
      return {}
    },
  }
}

/** How long credentials of roles are used without asking again (ms). */
const credentialsLife = 10 * 60 * 1000

const blobKey = (config: S3Config, digest: Digest): string => config.blobsPrefix + digest

function openBucket(config: S3Config, access: CloudAccess, ctx: CacheContext): S3Bucket {
  const given = config.credentials
  const credentials =
    given === undefined
      ? renewed(() => awsCredentials(access, ctx.signal), credentialsLife, access.now)
      : async () => given
  return new S3Bucket(config, access, { credentials, signal: ctx.signal })
}

function layerWork(
  config: S3Config,
  bucket: S3Bucket,
  read: ReadLayer,
  access: CloudAccess,
): Pick<Parameters<typeof writeLayers>[1], 'missing' | 'put'> {
  return {
    async missing({ descriptor }, signal) {
      const key = blobKey(config, descriptor.digest)
      try {
        const facts = await bucket.head(key, signal)
        if (facts === undefined) return true
        if (access.now() - facts.modifiedMs > config.touchRefreshMs)
          await bucket.touch(key, facts.size, signal)
        return false
      } catch (error) {
        throw wrapError('failed to check file presence in cache', error)
      }
    },
    async put(layer, signal) {
      const { digest, size } = layer.descriptor
      const content = { size, open: (offset: number) => read(layer, offset, signal) }
      try {
        await bucket.put(blobKey(config, digest), content, digestHex(digest), signal)
      } catch (error) {
        throw wrapError('error writing layer blob', error)
      }
    },
  }
}
