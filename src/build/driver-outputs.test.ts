import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { BuildRequest } from './build-request.ts'
import { driverOutputs, type OutputSituation } from './driver-outputs.ts'
import type { ResolvedOutput } from './outputs.ts'

const all = {
  ociExporter: true,
  dockerExporter: true,
  cacheExport: true,
  multiPlatform: true,
  attestations: true,
  keepsImages: false,
}
const classic = {
  ...all,
  ociExporter: false,
  dockerExporter: false,
  cacheExport: false,
  multiPlatform: false,
  attestations: false,
  keepsImages: true,
  directPush: false,
  prefersImageDigest: false,
  defaultLoad: true,
}
const containerd = {
  ...all,
  keepsImages: true,
  directPush: true,
  prefersImageDigest: true,
  defaultLoad: true,
}

const situation = (change: Partial<OutputSituation>): OutputSituation => ({
  driver: 'docker-container',
  features: all,
  load: undefined,
  noDefaultLoad: false,
  noDefaultOciArtifact: false,
  merges: false,
  hostPlatform: { os: 'linux', architecture: 'amd64' },
  tempDir: '/tmp',
  ...change,
})

const request = (change: Partial<BuildRequest> = {}): BuildRequest => ({
  context: '.',
  contexts: {},
  platforms: [],
  tags: ['t:1'],
  buildArgs: {},
  labels: {},
  noCache: false,
  noCacheFilter: [],
  pull: false,
  outputs: [],
  cacheFrom: [],
  cacheTo: [],
  secrets: [],
  ssh: [],
  attests: {},
  allow: [],
  extraHosts: [],
  ulimits: [],
  resources: {},
  ...change,
})

function made(
  outputs: readonly ResolvedOutput[],
  change: Partial<OutputSituation>,
): ReturnType<typeof driverOutputs> {
  const entries = outputs.map(({ type, attrs }) => ({ type, attrs, destination: '' }))
  return driverOutputs(request({ outputs: entries as never }), outputs, situation(change))
}

const image = (attrs: Record<string, string> = {}): ResolvedOutput => ({ type: 'image', attrs })
const receive = async (): Promise<void> => undefined

describe('outputs by driver', () => {
  it('that nobody asked for stay with docker, are loaded where that is the default, or go nowhere with a warning', () => {
    const { outputs } = made([], { driver: 'docker', features: classic })
    assert.deepEqual(outputs, [{ type: 'moby', attrs: { name: 't:1' } }])
    const loaded = made([], {
      features: { ...all, defaultLoad: true },
      load: { takesOci: false, receive },
    })
    assert.equal(loaded.outputs[0]?.type, 'docker')
    const warned = made([], {})
    assert.deepEqual(warned.outputs, [])
    assert.match(warned.notes[0] ?? '', /^WARNING: No output specified with docker-container driver\./)
    for (const driver of ['docker', 'docker-container']) {
      const quiet = made([], { driver, features: { ...all, defaultLoad: true }, noDefaultLoad: true })
      assert.deepEqual([quiet.outputs, quiet.notes], [[], []])
    }
  })

  it('that are archives for docker hold no index: statements that were asked for are refused', () => {
    const archive: ResolvedOutput = { type: 'docker', attrs: {}, target: { kind: 'file', path: 'x' } }
    const outputs = [{ type: 'docker', attrs: {}, destination: 'x' }] as never
    const ask = (provenance: string) =>
      driverOutputs(request({ outputs, attests: { provenance } }), [archive], situation({}))
    assert.throws(() => ask('mode=min'), {
      message: 'docker exporter does not support exporting manifest lists, use the oci exporter instead',
    })
    assert.equal(ask('mode=min,inline-only=true').outputs.length, 1)
    assert.equal(ask('disabled=true').outputs.length, 1)
  })

  it('of the classic store of docker are pushed by docker, and refused where it cannot hold them', () => {
    const pushed = made([image({ name: 'a:1,b:2', push: 'true' })], { driver: 'docker', features: classic })
    assert.deepEqual(pushed.outputs, [{ type: 'moby', attrs: { name: 'a:1,b:2' } }])
    assert.deepEqual(pushed.pushByDocker, ['a:1', 'b:2'])
    assert.throws(
      () =>
        made([image({ push: 'true', 'push-by-digest': 'true' })], { driver: 'docker', features: classic }),
      { message: /^push-by-digest is currently not implemented for docker driver/ },
    )
    for (const [output, what] of [
      [{ type: 'oci', attrs: {} }, 'OCI exporter'],
      [{ type: 'docker', attrs: {}, target: { kind: 'file', path: 'x' } }, 'Docker exporter'],
    ] as const) {
      assert.throws(() => made([output as never], { driver: 'docker', features: classic }), {
        message: new RegExp(`^${what} is not supported for the docker driver\\.`),
      })
    }
    assert.throws(
      () =>
        driverOutputs(
          request({ cacheTo: [{ type: 'local', attrs: { dest: 'x' } }] as never }),
          [],
          situation({ driver: 'docker', features: classic }),
        ),
      { message: /^Cache export is not supported for the docker driver\./ },
    )
  })

  it("of docker's containerd store are pushed by the build and known by the digest of their manifest", () => {
    const pushed = made([image({ name: 'a:1', push: 'true' })], { driver: 'docker', features: containerd })
    assert.deepEqual(pushed.outputs, [{ type: 'moby', attrs: { name: 'a:1', push: 'true' } }])
    assert.deepEqual([pushed.pushByDocker, pushed.prefersImageDigest], [[], true])
    const loaded = made([{ type: 'docker', attrs: {} }], { load: { takesOci: true, receive } })
    assert.deepEqual([loaded.outputs[0]?.type, loaded.prefersImageDigest], ['oci', true])
    const plain = made([{ type: 'docker', attrs: {} }], { load: { takesOci: false, receive } })
    assert.deepEqual([plain.outputs[0]?.type, plain.prefersImageDigest], ['docker', false])
  })

  it('are no OCI artifacts where the environment says so and the output does not', () => {
    const { outputs } = made([image(), image({ 'oci-artifact': 'true' }), { type: 'local', attrs: {} }], {
      noDefaultOciArtifact: true,
    })
    assert.deepEqual(
      outputs.map(output => output.attrs['oci-artifact']),
      ['false', 'true', undefined],
    )
  })
})
