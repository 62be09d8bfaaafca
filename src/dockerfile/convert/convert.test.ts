import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { SlipwayError } from '../../errors/slipway-error.ts'
import { decodeOp } from '../../llb/head.ts'
import { marshal } from '../../llb/marshal.ts'
import { image, local } from '../../llb/source.ts'
import { digestOf } from '../../oci/digest.ts'
import { convertDockerfile } from './convert.ts'
import type { ConvertHost, NamedContext } from './host.ts'
import type { ConvertOptions } from './options.ts'

const platform = { os: 'linux', architecture: 'amd64' }
const config = {
  ...platform,
  config: { Env: ['PATH=/bin'] },
  rootfs: { type: 'layers', diff_ids: [`sha256:${'a'.repeat(64)}`] },
  history: [],
}

interface Setup {
  readonly contexts?: Readonly<Record<string, NamedContext>>
  readonly ignored?: readonly string[]
  readonly options?: Partial<ConvertOptions>
}

async function convert(text: string, { contexts = {}, ignored = [], options = {} }: Setup = {}) {
  const warnings: string[] = []
  const lookups: string[] = []
  let paths: readonly string[] | undefined
  const host: ConvertHost = {
    async resolveImage(name) {
      lookups.push(name)
      if (name.includes('missing')) throw new SlipwayError('not-found', `${name}: not found`)
      return { name, digest: digestOf(name), config: new TextEncoder().encode(JSON.stringify(config)) }
    },
    namedContext: name => contexts[name],
    ignorePatterns: async () => ignored,
    isNoCache: () => false,
    sourceTime: async () => undefined,
    async mainContext(used) {
      paths = used
      return local('context')
    },
  }
  const all: ConvertOptions = {
    buildArgs: {},
    labels: {},
    target: '',
    targetPlatform: undefined,
    buildPlatforms: [platform],
    hostPlatform: platform,
    multiPlatform: false,
    resolveMode: 'default',
    network: 'sandbox',
    extraHosts: [],
    hostname: '',
    shmSize: 0,
    ulimits: [],
    cgroupParent: '',
    linuxResources: undefined,
    cacheNamespace: '',
    lint: undefined,
    warn: warning => void warnings.push(`${warning.rule}: ${warning.message}`),
    file: { filename: 'Dockerfile', language: 'Dockerfile', data: new TextEncoder().encode(text) },
    ...options,
  }
  const converted = await convertDockerfile(all, host)
  const definition = marshal(converted.state.output, { platform, localUniqueId: 'u' })
  const ops = definition.def.map(decodeOp)
  const names = definition.def
    .map(b => definition.metadata[digestOf(b)]?.description['llb.customname'])
    .filter(Boolean)
  return { converted, warnings, lookups, paths, ops, names }
}

describe('convertDockerfile', () => {
  it('looks only at stages that the target needs', async () => {
    const { lookups, names } = await convert('FROM missing AS a\nRUN a\nFROM alpine AS b\nFROM b\nRUN b\n')
    assert.deepEqual(lookups, ['docker.io/library/alpine:latest'])
    assert.equal(names[1], '[stage-2 1/1] RUN b')
  })

  it('transfers nothing in particular where the whole context is used, only some paths where it is not', async () => {
    assert.equal((await convert('FROM alpine\nCOPY . /a\nCOPY b /c\n')).paths, undefined)
    const { paths } = await convert('FROM alpine\nCOPY ./b ../a/x* /\nRUN --mount=source=z,target=/z true\n')
    assert.deepEqual(paths, ['a/x*', 'b', 'z'])
  })

  it('counts the step of a stage that ONBUILD brings in once', async () => {
    const text = 'FROM alpine AS src\nRUN 1\nFROM alpine AS base\nONBUILD COPY --from=src /a /b\nFROM base\n'
    const { names } = await convert(text)
    assert.ok(names.includes('[src 2/2] RUN 1'))
  })

  it('replaces a stage by a named context, with its instructions', async () => {
    const named: NamedContext = { load: async () => ({ state: image('busybox'), image: undefined }) }
    const { ops, lookups } = await convert('FROM alpine AS x\nRUN gone\nFROM x\nRUN stays\n', {
      contexts: { x: named },
    })
    assert.deepEqual(lookups, [])
    assert.deepEqual(
      ops.map(op => op.op.case),
      ['source', 'exec', undefined],
    )
  })

  it('names the line of a base image that cannot be found', async () => {
    await assert.rejects(convert('ARG X=missing\nFROM alpine AS a\nFROM $X\n'), (error: SlipwayError) => {
      assert.equal(error.message, 'missing: docker.io/library/missing:latest: not found')
      assert.equal(error.code, 'not-found')
      assert.match(JSON.stringify(error.details), /"line":3/)
      return true
    })
  })
})

describe('the check for undeclared platform args', () => {
  const warned = async (run: string, before = '') => {
    const { warnings } = await convert(`FROM alpine\n${before}RUN ${run}\n`)
    return warnings.filter(w => w.startsWith('UndeclaredPlatformArg')).length
  }

  it('reports a name that is empty where RUN uses it', async () => {
    assert.equal(await warned('GOARCH=$TARGETARCH go build'), 1)
    assert.equal(await warned('a ${TARGETOS}/${TARGETARCH}'), 2)
    assert.equal(await warned('["sh", "-c", "echo $TARGETPLATFORM"]'), 1)
    assert.equal(await warned('<<E\necho $BUILDPLATFORM\nE'), 1)
  })

  it('is silent where the stage declares it, sets it, or has a default for it', async () => {
    assert.equal(await warned('a $TARGETARCH', 'ARG TARGETARCH\n'), 0)
    assert.equal(await warned('a $TARGETARCH', 'ENV TARGETARCH=x\n'), 0)
    assert.equal(await warned('TARGETARCH=$(uname -m); a $TARGETARCH'), 0)
    assert.equal(await warned('for TARGETARCH in a b; do a $TARGETARCH; done'), 0)
    assert.equal(await warned('a ${TARGETARCH:-amd64}'), 0)
    assert.equal(await warned('a \\$TARGETARCH $TARGETARCHES'), 0)
  })

  it('never fails a build that warnings fail', async () => {
    await convert('# check=error=true\nFROM alpine\nRUN a $TARGETARCH\n')
    await assert.rejects(convert('# check=error=true\nFROM alpine as x\n'), {
      message: 'lint violation found for rules: FromAsCasing',
    })
  })
})

describe('the check for ignored sources', () => {
  const warned = async (copy: string, ignored: readonly string[]) => {
    const { warnings } = await convert(`FROM alpine\n${copy}\n`, { ignored })
    return warnings.filter(w => w.startsWith('CopyIgnoredFile')).length
  }

  it('knows parents and patterns, not stages, exceptions and the root', async () => {
    assert.equal(await warned('COPY a/b /', ['a']), 1)
    assert.equal(await warned('ADD x.go y /', ['*.go']), 1)
    assert.equal(await warned('COPY --from=busybox a /', ['a']), 0)
    assert.equal(await warned('COPY a /', ['a', '!a/b']), 0)
    assert.equal(await warned('COPY . /', ['.git']), 0)
    assert.equal(await warned('COPY . /', ['*']), 1)
  })
})

describe('large files', () => {
  it('of thousands of stages and variables are converted without exhausting stack or patience', async () => {
    const stages = Array.from(
      { length: 1500 },
      (_, i) => `FROM scratch AS s${i}\nCOPY --from=s${i - 1} / /\n`,
    )
    const text = `FROM alpine AS s-1\nRUN true\n${stages.join('')}`
    assert.equal((await convert(text)).ops.length, 1503)
    const variables = Array.from({ length: 1500 }, (_, i) => `ENV V${i}=\${V${i - 1}}x\n`)
    const { converted } = await convert(`FROM alpine\n${variables.join('')}`)
    assert.equal(converted.image.history.length, 1500)
  })
})
