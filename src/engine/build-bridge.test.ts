import assert from 'node:assert/strict'
import { it } from 'node:test'
import { create } from '@bufbuild/protobuf'
import { Capture } from '../attest/capture.ts'
import { materials } from '../attest/materials.ts'
import { RequestStore } from '../attest/request-store.ts'
import { ProvenanceScope } from '../attest/scope.ts'
import { digestOf } from '../oci/digest.ts'
import { DefinitionSchema } from '../proto/gen/ops_pb.ts'
import { SessionStore } from '../session/session.ts'
import type { Job } from '../solver/solver.ts'
import { BuildBridge } from './build-bridge.ts'
import type { CacheImports } from './cache-imports.ts'
import { gitForm } from './git-form.ts'
import type { EngineServices } from './services.ts'

const platform = { os: 'linux', architecture: 'amd64' }
const digest = digestOf(new Uint8Array([1]))

/** As much of an engine as knows one image. */
const services = {
  hostPlatform: platform,
  sessions: new SessionStore(),
  imageSource: { resolve: async () => ({ root: { descriptor: { digest } }, configBytes: new Uint8Array() }) },
} as unknown as EngineServices

it('An image that a frontend asks about is a material by the name it has there, whatever the graph calls it.', async () => {
  const scope = new ProvenanceScope({ store: new RequestStore(), gitForm }, undefined)
  const bridge = new BuildBridge({ id: 'job' } as Job, services, {
    ...{
      sessions: [],
      entitlements: { names: new Set<string>(), devices: undefined },
      write: () => {},
      signal: AbortSignal.timeout(10_000),
    },
    ...{ scope, imports: undefined as unknown as CacheImports },
  })
  const name = 'docker.io/library/busybox:latest'
  await bridge.resolveSource({
    ...{ source: { identifier: `docker-image://${name}`, attrs: {} }, platform, logName: '', policies: [] },
    ...{ resolveMode: undefined, gitObjects: false },
  })
  const captured = new Capture()
  captured.addImage({ reference: `${name}@${digest}`, platform, digest, local: false })
  const ref = { id: 'ref', definition: create(DefinitionSchema), captured }
  scope.addRef(ref)
  const provenance = scope.provenance(ref, { refs: [ref], platforms: [] })
  assert.deepEqual(provenance === undefined ? [] : materials(provenance.capture).map(({ uri }) => uri), [
    'pkg:docker/busybox@latest?platform=linux%2Famd64',
  ])
})
