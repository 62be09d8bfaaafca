import { goJson, type JsonValue, sortKeys } from '../gostd/json.ts'
import { formatRfc3339Nano } from '../gostd/time.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { descriptorJson } from '../oci/descriptor-json.ts'
import type { Definition } from '../proto/gen/ops_pb.ts'
import { buildSteps, digestMapping, sourceJson } from './build-config.ts'
import type { Capture } from './capture.ts'
import { type Material, materials } from './materials.ts'
import { predicateV02 } from './predicate-v02.ts'
import type { ProvenanceOptions } from './provenance-options.ts'
import { redactUrl } from './redact-url.ts'
import type { ConfigSource, RequestRecord } from './request.ts'
import type { NamedSecret } from './sources.ts'

/** What provenance tells of one tree. */
export interface ProvenanceFacts {
  readonly capture: Capture
  /** The request that made the tree; absent for a graph that a client made by itself. */
  readonly request?: RequestRecord
  readonly definition?: Definition
  /** The machine: `linux/amd64`. */
  readonly platform: string
  readonly invocationId: string
  /** Milliseconds since 1970. */
  readonly startedMs: number
  readonly finishedMs: number
  readonly dockerfileVersion: string
  readonly compatibilityVersion: number
  /** Further members of the environment, by configuration of the daemon. */
  readonly environment?: Readonly<Record<string, JsonValue>>
  /** Blobs of a step's output, where they are known. */
  readonly layers?: (
    stepDigest: string,
  ) => readonly (readonly [output: number, chain: readonly Descriptor[]])[]
}

/** The parts of a predicate before they are put into the form of a version. */
export interface ProvenanceParts {
  readonly materials: readonly Material[]
  readonly configSource: ConfigSource
  readonly parameters: JsonValue
  readonly platform: string
  readonly dockerfileVersion: string | undefined
  readonly environment: Readonly<Record<string, JsonValue>>
  readonly buildConfig: JsonValue
  readonly builderId: string
  readonly invocationId: string
  readonly startedOn: string
  readonly finishedOn: string
  readonly buildkit: JsonValue
  readonly hermetic: boolean
  readonly reproducible: boolean
  readonly completeRequest: boolean
  readonly completeMaterials: boolean
}

/** Type of a predicate by its version. */
export const provenanceType = {
  v1: 'https://slsa.dev/provenance/v1',
  'v0.2': 'https://slsa.dev/provenance/v0.2',
} as const

/** The predicate as JSON, indented by two spaces. Form: https://github.com/moby/buildkit/blob/v0.32.2/docs/attestations/slsa-definitions.md */
export function provenancePredicate(facts: ProvenanceFacts, options: ProvenanceOptions): string {
  const parts = provenanceParts(facts, options)
  return goJson(options.version === 'v1' ? predicateV1(parts) : predicateV02(parts), { indent: '  ' })
}

function provenanceParts(facts: ProvenanceFacts, options: ProvenanceOptions): ProvenanceParts {
  const { capture, request } = facts
  const max = options.mode === 'max'
  const incomplete = capture.incomplete || capture.locals.length > 0
  const { args, vcs } = withoutVcs(request?.args ?? {})
  const scrubbed = { incomplete: false }
  const record: RequestRecord = { configSource: {}, frontend: '', ...request, args }
  const parameters = parametersJson(
    max ? record : scrub(record, scrubbed),
    capture,
    max,
    facts.compatibilityVersion,
  )
  const graph = max ? graphParts(facts) : {}
  return {
    materials: materials(capture),
    configSource: record.configSource,
    parameters,
    platform: facts.platform,
    dockerfileVersion: record.frontend === 'dockerfile.v0' ? facts.dockerfileVersion : undefined,
    environment: facts.environment ?? {},
    buildConfig: graph.buildConfig,
    builderId: options.builderId,
    invocationId: facts.invocationId,
    startedOn: formatRfc3339Nano(facts.startedMs),
    finishedOn: formatRfc3339Nano(facts.finishedMs),
    buildkit: {
      vcs: vcs.size === 0 ? undefined : vcs,
      source: graph.source,
      layers: graph.layers,
      network: networkJson(capture),
    },
    hermetic: !incomplete && !capture.networkAccess,
    reproducible: options.reproducible,
    completeRequest: record.frontend !== '' && !scrubbed.incomplete,
    completeMaterials: !incomplete,
  }
}

function networkJson({ proxyNetwork, unknownRequests }: Capture): JsonValue {
  if (!proxyNetwork) return undefined
  const incomplete = unknownRequests.map(({ op, name, method, uri, reason }) => ({
    op,
    name,
    method,
    uri,
    reason,
  }))
  return { mode: 'proxy', proxy: incomplete.length === 0 ? undefined : { incomplete } }
}

/** `vcs:*` options say where the recipe is kept, not how it is built. */
function withoutVcs(all: Readonly<Record<string, string>>): {
  args: Record<string, string>
  vcs: Map<string, string>
} {
  const args: Record<string, string> = {}
  const vcs = new Map<string, string>()
  for (const [key, value] of Object.entries(all).toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    if (!key.startsWith('vcs:')) args[key] = value
    else if (value !== '') vcs.set(key.slice('vcs:'.length), key === 'vcs:source' ? redactUrl(value) : value)
  }
  return { args, vcs }
}

/** Build arguments and labels may hold what not everybody is to see: the short form has none. */
function scrub(request: RequestRecord, seen: { incomplete: boolean }): RequestRecord {
  const private_ = (key: string): boolean => key.startsWith('build-arg:') || key.startsWith('label:')
  const args = Object.entries(request.args)
  if (args.some(([key]) => private_(key))) seen.incomplete = true
  const inputs = Object.entries(request.inputs ?? {}).map(([name, one]) => [name, scrub(one, seen)] as const)
  return {
    ...request,
    args: Object.fromEntries(args.filter(([key]) => !private_(key))),
    ...(request.inputs === undefined ? {} : { inputs: Object.fromEntries(inputs) }),
    ...(request.root === undefined ? {} : { root: scrub(request.root, seen) }),
  }
}

function parametersJson(
  request: RequestRecord,
  capture: Capture,
  max: boolean,
  compatibility: number,
): JsonValue {
  const secrets = (list: readonly NamedSecret[]): JsonValue =>
    max && list.length > 0
      ? list.map(({ id, optional }) => ({ id, optional: optional || undefined }))
      : undefined
  return {
    frontend: request.frontend || undefined,
    args: argsJson(request.args),
    secrets: secrets(capture.secrets),
    ssh: secrets(capture.ssh),
    locals: capture.locals.length === 0 ? undefined : capture.locals.map(name => ({ name })),
    inputs: inputsJson(request.inputs),
    root: request.root === undefined ? undefined : requestJson(request.root),
    compatibilityVersion: compatibility || undefined,
  }
}

const argsJson = (args: Readonly<Record<string, string>>): JsonValue =>
  Object.keys(args).length === 0 ? undefined : sortKeys({ ...args })

const inputsJson = (inputs: RequestRecord['inputs']): JsonValue =>
  inputs === undefined || Object.keys(inputs).length === 0
    ? undefined
    : sortKeys(Object.fromEntries(Object.entries(inputs).map(([name, one]) => [name, requestJson(one)])))

function requestJson(request: RequestRecord): JsonValue {
  return {
    configSource: { ...request.configSource },
    request: {
      frontend: request.frontend || undefined,
      args: argsJson(request.args),
      inputs: inputsJson(request.inputs),
      root: request.root === undefined ? undefined : requestJson(request.root),
    },
  }
}

function graphParts(facts: ProvenanceFacts): {
  buildConfig?: JsonValue
  source?: JsonValue
  layers?: JsonValue
} {
  const steps = buildSteps(facts.definition)
  const layers = new Map<string, JsonValue>()
  for (const [digest, number] of steps.numbers) {
    const outputs = facts.layers?.(digest) ?? []
    for (const [output, chain] of outputs)
      layers.set(`step${number}:${output}`, [chain.map(one => descriptorJson(one))])
  }
  const sorted = [...layers].toSorted(([a], [b]) => (a < b ? -1 : 1))
  const source = facts.definition?.Source
  return {
    buildConfig:
      steps.steps.length === 0 ? {} : { llbDefinition: steps.steps, digestMapping: digestMapping(steps) },
    source: source === undefined || source.infos.length === 0 ? undefined : sourceJson(source, steps),
    layers: layers.size === 0 ? undefined : new Map(sorted),
  }
}

function predicateV1(parts: ProvenanceParts): JsonValue {
  const internal: JsonValue = {
    buildConfig: parts.buildConfig,
    builderPlatform: parts.platform,
    dockerfileVersion: parts.dockerfileVersion,
    ...parts.environment,
  }
  return {
    buildDefinition: {
      buildType: 'https://github.com/moby/buildkit/blob/master/docs/attestations/slsa-definitions.md',
      resolvedDependencies:
        parts.materials.length === 0
          ? undefined
          : parts.materials.map(({ uri, digest }) => ({ uri, digest })),
      externalParameters: { configSource: { ...parts.configSource }, request: parts.parameters },
      internalParameters: sortKeys(internal),
    },
    runDetails: {
      builder: { id: parts.builderId },
      metadata: {
        invocationId: parts.invocationId,
        startedOn: parts.startedOn,
        finishedOn: parts.finishedOn,
        buildkit_metadata: parts.buildkit,
        buildkit_hermetic: parts.hermetic || undefined,
        buildkit_completeness: {
          request: parts.completeRequest,
          resolvedDependencies: parts.completeMaterials,
        },
        buildkit_reproducible: parts.reproducible || undefined,
      },
    },
  }
}
