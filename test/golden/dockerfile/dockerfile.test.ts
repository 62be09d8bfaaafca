import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { toJson } from '@bufbuild/protobuf'
import { asSlipwayError } from '../../../src/errors/slipway-error.ts'
import { buildDockerfile } from '../../../src/frontend/build-dockerfile.ts'
import { createMemoryBridge, type MemoryRef } from '../../../src/frontend/memory-bridge.ts'
import type { FrontendResult } from '../../../src/frontend/result.ts'
import { goJson } from '../../../src/gostd/json.ts'
import { decodeOp } from '../../../src/llb/head.ts'
import { digestOf } from '../../../src/oci/digest.ts'
import { OpSchema } from '../../../src/proto/gen/ops_pb.ts'

// A directory per case: Dockerfile, perhaps attributes.json and dockerignore, and expected.json: what the frontend makes
// of it. The expectations were compared with BuildKit v0.32.2: digests of ops, names, images, warnings and errors are
// its own. `UPDATE_GOLDEN=1` writes them anew.

const root = import.meta.dirname
const image = (config: object, platform = { architecture: 'amd64', os: 'linux' }) => ({
  ...platform,
  config: { Env: ['PATH=/usr/bin:/bin'], Cmd: ['/bin/sh'], WorkingDir: '/', ...config },
  rootfs: { type: 'layers', diff_ids: [`sha256:${'a'.repeat(64)}`] },
  history: [{ created: '2020-01-01T00:00:00Z', created_by: 'base' }],
})
const images = {
  'docker.io/library/alpine:latest': image({}),
  'docker.io/library/busybox:latest': image({
    User: 'me',
    Env: ['PATH=/bin', 'A=1'],
    Labels: { from: 'base' },
  }),
  'docker.io/library/golang:1.22': image({ Env: ['PATH=/go/bin:/bin', 'GOPATH=/go'], WorkingDir: '/go' }),
  'docker.io/library/onbuild:latest': image({ OnBuild: ['ARG V=1', 'RUN echo $V', 'COPY . /src'] }),
}

interface Expected {
  readonly error?: { readonly message: string; readonly lines: readonly (readonly number[])[] }
  readonly warnings: readonly string[]
  readonly [key: string]: unknown
}

describe('Dockerfiles', () => {
  for (const name of readdirSync(root, { withFileTypes: true })
    .filter(e => e.isDirectory())
    .map(e => e.name)) {
    it(`${name} gives what BuildKit makes of it`, async () => {
      const actual: unknown = JSON.parse(JSON.stringify(await run(join(root, name))))
      const file = join(root, name, 'expected.json')
      if (process.env['UPDATE_GOLDEN'] || !existsSync(file))
        writeFileSync(file, `${JSON.stringify(actual, null, 1)}\n`)
      assert.deepEqual(actual, JSON.parse(readFileSync(file, 'utf8')))
    })
  }
})

async function run(dir: string): Promise<Expected> {
  const read = (name: string) =>
    existsSync(join(dir, name)) ? readFileSync(join(dir, name), 'utf8') : undefined
  const ignore = read('dockerignore')
  const bridge = createMemoryBridge({
    images,
    files: {
      'local://dockerfile': { Dockerfile: readFileSync(join(dir, 'Dockerfile')) },
      'local://context': ignore === undefined ? {} : { '.dockerignore': ignore },
    },
  })
  const attributes = JSON.parse(read('attributes.json') ?? '{}') as Record<string, string>
  const warnings = (): string[] => bridge.warnings.map(warning => warning.short)
  try {
    const result = await buildDockerfile(bridge, attributes, { uniqueId: 'unique' })
    return { warnings: warnings(), ...describeResult(result) }
  } catch (e) {
    const error = asSlipwayError(e)
    const lines = error.sources.map(source => source.ranges.map(range => range.start.line))
    return { warnings: warnings(), error: { message: error.message, lines } }
  }
}

function describeResult(result: FrontendResult<MemoryRef>): Record<string, unknown> {
  const facts = Object.fromEntries(Array.from(result.metadata, ([key, value]) => [key, readable(value)]))
  if (result.ref !== undefined) return { steps: steps(result.ref), facts }
  const refs = Array.from(result.refs, ([id, ref]) => [id, ref === undefined ? [] : steps(ref)])
  return { platforms: Object.fromEntries(refs), facts }
}

function readable(value: Uint8Array): unknown {
  const text = Buffer.from(value).toString('utf8')
  try {
    return JSON.parse(text)
  } catch {
    return text.split('\n')
  }
}

/** Ops with their names; digests stand in the inputs and so need not be repeated, except for the last one. */
function steps({ definition }: MemoryRef): unknown[] {
  return definition.def.map(bytes => {
    const digest = digestOf(bytes)
    const { description = {}, ignoreCache, progressGroup } = definition.metadata[digest] ?? {}
    return {
      name: description['llb.customname'],
      ...(ignoreCache ? { ignoreCache } : {}),
      ...(progressGroup === undefined ? {} : { group: progressGroup.name, weak: progressGroup.weak }),
      digest,
      op: JSON.parse(goJson(toJson(OpSchema, decodeOp(bytes)) as never)),
    }
  })
}
