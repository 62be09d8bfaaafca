import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { goJson } from '../gostd/json.ts'
import { digestOf } from './digest.ts'
import { type ImageConfig, maxConfigSize, parseImageConfig } from './image-config.ts'
import { dockerImageJson, marshalImageConfig, ociImageJson } from './image-config-json.ts'

const bytes = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value))
const text = (value: Uint8Array): string => new TextDecoder().decode(value)

const full: ImageConfig = {
  architecture: 'arm',
  os: 'linux',
  variant: 'v7',
  created: '2024-05-01T12:34:56.12Z',
  author: 'me',
  config: {
    Shell: ['/bin/sh', '-c'],
    OnBuild: ['RUN x'],
    Healthcheck: { Retries: 3, Interval: 30e9, Test: ['CMD', 'true'] },
    ArgsEscaped: true,
    StopSignal: 'SIGTERM',
    Labels: { b: '1', a: '<2>' },
    WorkingDir: '/',
    Volumes: ['/z', '/a'],
    Cmd: ['sh'],
    Entrypoint: ['/e'],
    Env: ['A=b'],
    ExposedPorts: ['80/tcp', '443/tcp'],
    User: 'root',
  },
  rootfs: { type: 'layers', diff_ids: [digestOf('a')] },
  history: [
    {
      created: '2024-05-01T12:34:56Z',
      created_by: 'RUN true # buildkit',
      comment: 'buildkit.dockerfile.v0',
      empty_layer: true,
    },
  ],
}

const config =
  '{"User":"root","ExposedPorts":{"443/tcp":{},"80/tcp":{}},"Env":["A=b"],"Entrypoint":["/e"],"Cmd":["sh"],"Volumes":{"/a":{},"/z":{}},"WorkingDir":"/","Labels":{"a":"\\u003c2\\u003e","b":"1"},"StopSignal":"SIGTERM","ArgsEscaped":true,"Healthcheck":{"Test":["CMD","true"],"Interval":30000000000,"Retries":3},"OnBuild":["RUN x"],"Shell":["/bin/sh","-c"]}'
const history =
  '[{"created":"2024-05-01T12:34:56Z","created_by":"RUN true # buildkit","comment":"buildkit.dockerfile.v0","empty_layer":true}]'
const rootfs = `{"type":"layers","diff_ids":["${digestOf('a')}"]}`

describe('marshalImageConfig', () => {
  it('sorts the outer members and writes the inner ones in the order of the Go structs', () => {
    assert.equal(
      text(marshalImageConfig(full)),
      `{"architecture":"arm","author":"me","config":${config},"created":"2024-05-01T12:34:56.12Z","history":${history},"os":"linux","rootfs":${rootfs},"variant":"v7"}`,
    )
  })

  it('writes extra members in their place', () => {
    const image = { ...full, config: {}, history: [] }
    assert.equal(
      text(marshalImageConfig(image, { 'moby.buildkit.cache.v0': 'x' })),
      `{"architecture":"arm","author":"me","config":{},"created":"2024-05-01T12:34:56.12Z","history":null,"moby.buildkit.cache.v0":"x","os":"linux","rootfs":${rootfs},"variant":"v7"}`,
    )
  })

  it('writes the form of a frontend with members as in the struct', () => {
    assert.equal(
      goJson(dockerImageJson(full)),
      `{"created":"2024-05-01T12:34:56.12Z","author":"me","architecture":"arm","os":"linux","variant":"v7","rootfs":${rootfs},"history":${history},"config":${config}}`,
    )
  })

  it('writes the OCI form without what only docker has', () => {
    const ociConfig = config.replace(/,"Healthcheck".*/, '}')
    assert.equal(
      goJson(ociImageJson(full)),
      `{"created":"2024-05-01T12:34:56.12Z","author":"me","architecture":"arm","os":"linux","variant":"v7","config":${ociConfig},"rootfs":${rootfs},"history":${history}}`,
    )
  })
})

describe('parseImageConfig', () => {
  it('reads back what was written', () => {
    const read = parseImageConfig(marshalImageConfig(full))
    assert.deepEqual(read.config.ExposedPorts, ['443/tcp', '80/tcp'])
    assert.equal(text(marshalImageConfig(read)), text(marshalImageConfig(full)))
  })

  it('takes the least there can be, nulls included, and drops what it does not know', () => {
    assert.deepEqual(
      parseImageConfig(
        bytes({
          architecture: 'amd64',
          os: 'linux',
          container: 'x',
          config: { Env: null, Image: '' },
          history: null,
        }),
      ),
      {
        architecture: 'amd64',
        os: 'linux',
        config: {},
        rootfs: { type: 'layers', diff_ids: [] },
        history: [],
      },
    )
  })

  it('spells times as Go would again, to the nanosecond', () => {
    const created = (time: string): string | undefined => parseImageConfig(bytes({ created: time })).created
    assert.equal(created('2024-05-01T12:34:56.123456789Z'), '2024-05-01T12:34:56.123456789Z')
    assert.equal(created('2024-05-01T12:34:56.120000000Z'), '2024-05-01T12:34:56.12Z')
    assert.equal(created('2024-05-01T12:34:56.000Z'), '2024-05-01T12:34:56Z')
    assert.equal(created('2024-05-01T12:34:56.5+02:00'), '2024-05-01T12:34:56.5+02:00')
    assert.equal(created('2024-05-01T12:34:56+00:00'), '2024-05-01T12:34:56Z')
  })

  const refused: readonly [what: string, document: Uint8Array, message: RegExp, code?: string][] = [
    ['a time that is none', bytes({ created: 'yesterday' }), /parsing time "yesterday"/],
    ['a diffID that is none', bytes({ rootfs: { diff_ids: ['sha256:x'] } }), /invalid digest "sha256:x"/],
    ['a number in Env', bytes({ config: { Env: [1] } }), /Env\[0\]: expected a string, got 1/],
    ['a list for an object', bytes({ config: [] }), /expected an object/],
    [
      'a size beyond the limit',
      new Uint8Array(maxConfigSize + 1),
      /rejecting 8388609 byte image config/,
      'resource-exhausted',
    ],
  ]
  for (const [what, document, message, code = 'invalid-argument'] of refused) {
    it(`refuses ${what}`, () => assert.throws(() => parseImageConfig(document), { code, message }))
  }
})
