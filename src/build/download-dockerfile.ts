import { create } from '@bufbuild/protobuf'
import { randomUUID } from 'node:crypto'
import { openSession } from '../buildkit/client/open-session.ts'
import { readTrees } from '../buildkit/client/read-tree.ts'
import { SlipwayError } from '../errors/slipway-error.ts'
import { http } from '../llb/http-source.ts'
import { marshal } from '../llb/marshal.ts'
import type { Platform } from '../oci/descriptor.ts'
import { SolveRequestSchema } from '../proto/gen/control_pb.ts'
import type { BuildkitConnection } from '../session/connection.ts'
import type { StatusWriter } from '../status/solve-status.ts'
import { newBuildRef } from './run-build.ts'

/** What a Dockerfile is downloaded with. */
export interface DownloadOptions {
  readonly platform: Platform
  readonly onStatus: StatusWriter
  readonly signal: AbortSignal
}

/** A Dockerfile from a URL is not read beyond this (bytes). */
const maxDockerfile = 2 * 1024 * 1024
const filename = 'Dockerfile'

/**
 * Reads the Dockerfile at a URL: the node fetches it, which may see servers that this machine does not. Throws what the node
 * says, and `invalid-argument` where it is too large.
 * @see https://github.com/docker/buildx/blob/v0.36.1/build/dockerfile.go
 */
export async function downloadDockerfile(
  node: BuildkitConnection,
  url: string,
  { platform, onStatus, signal }: DownloadOptions,
): Promise<Uint8Array> {
  const id = randomUUID().replaceAll('-', '')
  await using session = openSession(node, [], { id, name: 'buildx', sharedKey: '' })
  const request = create(SolveRequestSchema, { Ref: newBuildRef(), Session: session.id, Internal: true })
  const source = http(url, { filename, name: `[internal] load ${url}` })
  return await readTrees(node, { request, onStatus, signal }, async solve => {
    const tree = await solve(marshal(source.output, { platform, localUniqueId: id }))
    if ((await tree.size(filename)) > maxDockerfile) {
      const what = `Dockerfile ${url} bigger than allowed max size (2.097MB)`
      throw new SlipwayError('invalid-argument', what)
    }
    return await tree.read(filename)
  })
}
