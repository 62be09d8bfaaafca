import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { create, toBinary } from '@bufbuild/protobuf'
import { digestOf } from '../oci/digest.ts'
import {
  type Definition,
  DefinitionSchema,
  MountType,
  NetMode,
  type Op,
  OpSchema,
} from '../proto/gen/ops_pb.ts'
import { Capture } from './capture.ts'
import { captureOp } from './capture-op.ts'
import { type ProvenanceFacts, provenancePredicate } from './predicate.ts'
import { readProvenanceOptions } from './provenance-options.ts'
import { redactUrl } from './redact-url.ts'
import { recordedArgs, recordRequest } from './request.ts'
import { RequestStore } from './request-store.ts'
import { type CapturedRef, ProvenanceScope } from './scope.ts'

const amd64 = { os: 'linux', architecture: 'amd64' }
const arm64 = { os: 'linux', architecture: 'arm64' }
const pin = `sha256:${'a'.repeat(64)}`
const noGit = (): undefined => undefined

function definitionOf(...ops: Op[]): Definition {
  const def: Uint8Array[] = []
  let input: string | undefined
  for (const op of [...ops, create(OpSchema)]) {
    if (input !== undefined) op.inputs = [{ $typeName: 'pb.Input', digest: input, index: 0n }]
    const bytes = toBinary(OpSchema, op)
    input = digestOf(bytes)
    def.push(bytes)
  }
  return create(DefinitionSchema, { def })
}

const source = (identifier: string, attrs: Record<string, string> = {}): Op =>
  create(OpSchema, { op: { case: 'source', value: { identifier, attrs } } })

function factsOf(capture: Capture, more: Partial<ProvenanceFacts> = {}): ProvenanceFacts {
  return {
    capture,
    platform: 'linux/amd64',
    invocationId: 'id',
    startedMs: 0,
    finishedMs: 1000,
    dockerfileVersion: '1.26.0',
    compatibilityVersion: 30,
    ...more,
  }
}

type Json = { readonly [key: string]: Json } & { readonly length?: number }

const parse = (text: string): Json => JSON.parse(text) as Json

describe('what is captured', () => {
  it('keeps equal images once, other platforms apart, and leaves out digests of what has a tag', () => {
    const capture = new Capture()
    const reference = 'docker.io/library/alpine:latest'
    capture.addImage({ reference, platform: amd64, local: false })
    capture.addImage({ reference, platform: { ...amd64, variant: '' }, local: false })
    capture.addImage({ reference, platform: arm64, local: false })
    capture.addImage({ reference: `docker.io/library/alpine@${pin}`, local: false })
    capture.finish()
    assert.deepEqual(
      capture.images.map(image => [image.reference, image.platform?.architecture]),
      [
        [reference, 'amd64'],
        [reference, 'arm64'],
      ],
    )
  })

  it('takes a secret as needed as soon as one step cannot do without', () => {
    const capture = new Capture()
    capture.addSecret({ id: 's', optional: true })
    capture.addSecret({ id: 's', optional: false })
    capture.addSecret({ id: 's', optional: true })
    capture.addSsh({ id: '', optional: false })
    assert.deepEqual(capture.secrets, [{ id: 's', optional: false }])
    assert.deepEqual(capture.ssh, [{ id: 'default', optional: false }])
  })

  it('reads operations', () => {
    const capture = new Capture()
    const exec = create(OpSchema, {
      op: {
        case: 'exec',
        value: {
          network: NetMode.NONE,
          mounts: [
            { mountType: MountType.SECRET, secretOpt: { ID: 'token', optional: true } },
            { mountType: MountType.SSH, SSHOpt: {} },
          ],
          secretenv: [{ ID: 'env', name: 'ENV' }],
        },
      },
    })
    captureOp(capture, exec, amd64, undefined)
    captureOp(capture, source('local://context', { 'local.session': 'secret-session' }), amd64, undefined)
    captureOp(
      capture,
      source('git://host/a/b.git#v1:sub', { 'git.fullurl': 'https://u:canary@host/a/b.git' }),
      amd64,
      'c0ffee',
    )
    captureOp(capture, source('https://u:canary@host/f'), amd64, pin)
    assert.deepEqual(
      capture.secrets.map(one => one.id),
      ['token', 'env'],
    )
    assert.equal(capture.networkAccess, false)
    assert.deepEqual(capture.locals, ['context'])
    assert.deepEqual(capture.git, [{ url: 'https://xxxxx:xxxxx@host/a/b.git#v1', commit: 'c0ffee' }])
    assert.deepEqual(capture.http, [{ url: 'https://xxxxx:xxxxx@host/f', digest: pin }])
    assert.equal(JSON.stringify(capture).includes('canary'), false)
  })
})

describe('requests', () => {
  it('hides credentials of contexts and leaves out what is about the machine', () => {
    const args = recordedArgs({
      context: 'https://u:canary@host/repo.git',
      'context:base': 'https://canary@host/x',
      platform: 'linux/arm64',
      'attest:sbom': '',
      'build-arg:A': '1',
      'build-arg:HTTPS_PROXY': 'http://u:canary@proxy:3128',
    })
    assert.deepEqual(args, {
      context: 'https://xxxxx:xxxxx@host/repo.git',
      'context:base': 'https://xxxxx@host/x',
      'build-arg:A': '1',
      'build-arg:HTTPS_PROXY': 'http://xxxxx:xxxxx@proxy:3128',
    })
  })

  it('tells the recipe by its commit', () => {
    const capture = new Capture()
    capture.addGit({ url: 'https://host/r.git#v1', commit: 'f'.repeat(40) })
    const gitForm = (url: string, withSubdir: boolean): string =>
      url.replace(withSubdir ? /$^/ : /:docs$/, '')
    const record = recordRequest(
      { frontend: 'dockerfile.v0', options: { context: 'https://host/r.git#v1:docs', filename: 'D' } },
      capture,
      gitForm,
    )
    assert.deepEqual(record, {
      configSource: { uri: 'https://host/r.git#v1:docs', digest: { sha1: 'f'.repeat(40) }, path: 'D' },
      frontend: 'dockerfile.v0',
      args: {},
    })
  })

  it('redacts URLs only', () => {
    for (const text of ['git@host:a/b.git', '.', '', 'https://host/a@b', 'alpine@sha256:1'])
      assert.equal(redactUrl(text), text)
    for (const text of ['oci-layout://name:latest@sha256:abcdef', 'docker-image://name@sha256:abcdef'])
      assert.equal(redactUrl(text), text)
    assert.equal(redactUrl('http://u:p@[::1]:80/x'), 'http://xxxxx:xxxxx@[::1]:80/x')
    assert.equal(redactUrl('https://:pass@host/'), 'https://:xxxxx@host/')
  })
})

describe('predicates', () => {
  const request = {
    configSource: { path: 'Dockerfile' },
    frontend: 'dockerfile.v0',
    args: {
      'build-arg:TOKEN': 'canary',
      'label:l': 'canary',
      target: 't',
      'vcs:source': 'https://u:p@host/r',
      'vcs:revision': '1',
    },
  }

  it('min has neither arguments nor labels, secrets or the graph', () => {
    const capture = new Capture()
    capture.addSecret({ id: 'canary', optional: false })
    const definition = definitionOf(source('local://context'))
    const text = provenancePredicate(
      factsOf(capture, { request, definition }),
      readProvenanceOptions({ mode: 'min' }),
    )
    assert.equal(text.includes('canary'), false)
    const { buildDefinition, runDetails } = parse(text) as Json
    assert.deepEqual(buildDefinition?.['externalParameters']?.['request']?.['args'], { target: 't' })
    assert.equal(runDetails?.['metadata']?.['buildkit_completeness']?.['request'], false)
    assert.deepEqual(runDetails?.['metadata']?.['buildkit_metadata']?.['vcs'], {
      source: 'https://xxxxx:xxxxx@host/r',
      revision: '1',
    })
  })

  it('max has the graph, without the session of the client', () => {
    const definition = definitionOf(
      source('local://context', { 'local.session': 'canary', 'local.unique': 'canary' }),
    )
    const text = provenancePredicate(
      factsOf(new Capture(), { request, definition }),
      readProvenanceOptions({}),
    )
    const config = parse(text)['buildDefinition']?.['internalParameters']?.['buildConfig']
    assert.equal(JSON.stringify(config).includes('canary'), false)
    assert.equal(config?.['llbDefinition']?.length, 2)
  })

  it('is hermetic where all is known by digest and nothing had a network', () => {
    const flag = (change: (capture: Capture) => void): unknown => {
      const capture = new Capture()
      capture.addImage({ reference: 'docker.io/library/a:1', platform: amd64, digest: pin, local: false })
      change(capture)
      return parse(provenancePredicate(factsOf(capture), readProvenanceOptions({})))['runDetails']?.[
        'metadata'
      ]?.['buildkit_hermetic']
    }
    assert.equal(
      flag(() => undefined),
      true,
    )
    assert.equal(
      flag(capture => capture.addLocal('context')),
      undefined,
    )
    assert.equal(
      flag(capture => {
        capture.networkAccess = true
      }),
      undefined,
    )
  })

  it('has an older form with the same facts', () => {
    const options = readProvenanceOptions({ version: 'v0.2', 'builder-id': 'http://b', reproducible: 'true' })
    const old = parse(provenancePredicate(factsOf(new Capture(), { request }), options))
    assert.equal(old['builder']?.['id'], 'http://b')
    assert.equal(old['metadata']?.['reproducible'], true)
    assert.equal(old['invocation']?.['configSource']?.['entryPoint'], 'Dockerfile')
    assert.deepEqual(old['metadata']?.['completeness'], {
      parameters: true,
      environment: true,
      materials: true,
    })
  })

  it('refuses options that make no sense', () => {
    assert.throws(() => readProvenanceOptions({ mode: 'most' }), /invalid mode "most"/)
    assert.throws(() => readProvenanceOptions({ version: 'v2' }), /invalid provenance SLSA version: v2/)
    assert.throws(
      () => readProvenanceOptions({ reproducible: 'maybe' }),
      /failed to parse reproducible flag "maybe"/,
    )
  })
})

describe('scopes', () => {
  const services = (): { store: RequestStore; gitForm: typeof noGit } => ({
    store: new RequestStore(),
    gitForm: noGit,
  })
  const refOf = (
    id: string,
    image: string,
    definition = definitionOf(source(`docker-image://${image}`)),
  ): CapturedRef => {
    const captured = new Capture()
    captured.addImage({ reference: image, platform: amd64, digest: pin, local: false })
    return { id, definition, captured }
  }
  const dockerfile = (options: Record<string, string> = {}, inputs: Record<string, Definition> = {}) => ({
    frontend: 'dockerfile.v0',
    options,
    inputs,
  })

  it('adds what the frontend only looked into, but not the other trees of the result', () => {
    const root = new ProvenanceScope(services(), undefined)
    const scope = root.child(dockerfile())
    const refs = ['one', 'two', 'seen'].map(name => refOf(name, `docker.io/library/${name}:1`))
    for (const ref of refs) scope.addRef(ref)
    const [one, two] = refs as [CapturedRef, CapturedRef]
    const found = root.provenance(one, { refs: [one, two], platforms: [] })
    assert.deepEqual(
      found?.capture.images.map(image => image.reference),
      ['docker.io/library/one:1', 'docker.io/library/seen:1'],
    )
    assert.equal(found?.request?.frontend, 'dockerfile.v0')
  })

  it('leaves out images that are there for every platform, but for the own one', () => {
    const root = new ProvenanceScope(services(), undefined)
    const scope = root.child(dockerfile())
    const ref = refOf('r', 'docker.io/library/x:1')
    scope.addRef(ref)
    for (const platform of [amd64, arm64])
      scope.addImage({ reference: 'docker.io/library/base:1', platform, digest: pin, local: false })
    const platforms = [
      { id: 'linux/amd64', platform: amd64 },
      { id: 'linux/arm64', platform: arm64 },
    ]
    const found = root.provenance(ref, { refs: [ref], platforms, id: 'linux/arm64' })
    const bases = found?.capture.images.filter(image => image.reference.includes('base'))
    assert.deepEqual(
      bases?.map(image => image.platform),
      [arm64],
    )
  })

  it('tells the request that made an input, and what the client asked at first', () => {
    const shared = services()
    using first = new ProvenanceScope(shared, undefined)
    const producer = first.child(dockerfile({ target: 'base' }))
    const made = refOf('made', 'docker.io/library/a:1')
    producer.addRef(made)
    first.register([made])
    const client = { frontend: 'gateway.v0', options: { source: 'x/y' }, inputs: {} }
    using second = new ProvenanceScope(shared, client)
    const consumer = second.child(dockerfile({ target: 'app' }, { 'input:base': made.definition }))
    const result = refOf('result', 'docker.io/library/b:1')
    consumer.addRef(result)
    const found = second.provenance(result, { refs: [result], platforms: [] })
    assert.equal(found?.request?.inputs?.['input:base']?.args['target'], 'base')
    assert.equal(found?.request?.root?.frontend, 'gateway.v0')
  })

  it('forgets requests when their build ends', () => {
    const store = new RequestStore()
    const { definition } = refOf('r', 'docker.io/library/a:1')
    const record = { configSource: {}, frontend: 'f', args: {} }
    const one = store.register(definition, record)
    const other = store.register(definition, { ...record, frontend: 'g' })
    assert.equal(store.lookUp(definition), undefined)
    other[Symbol.dispose]()
    assert.equal(store.lookUp(definition)?.frontend, 'f')
    one[Symbol.dispose]()
    assert.equal(store.lookUp(definition), undefined)
  })
})
