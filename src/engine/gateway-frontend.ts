import { create, toBinary } from '@bufbuild/protobuf'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Duplex } from 'node:stream'
import { AsyncQueue } from '../async/async-queue.ts'
import { SlipwayError } from '../errors/slipway-error.ts'
import type { ContainerSpec } from '../executor/executor.ts'
import { goJson } from '../gostd/json.ts'
import { marshal } from '../llb/marshal.ts'
import { image as imageSource } from '../llb/source.ts'
import { type ImageConfig, parseImageConfig } from '../oci/image-config.ts'
import { formatReference, parsePullReference, parseReference, repositoryName } from '../oci/reference.ts'
import { stackRef } from '../ops/stack-trees.ts'
import { type Definition, DefinitionSchema } from '../proto/gen/ops_pb.ts'
import { healthRoutes } from '../session/health.ts'
import { serveDuplex } from '../session/transport/serve-http2.ts'
import type { BridgeRef, BridgeResult } from './bridge-ref.ts'
import { bridgeRoutes } from './bridge-routes.ts'
import type { BuildBridge } from './build-bridge.ts'
import type { FrontendSettings } from './frontend-settings.ts'
import { GatewayBridge, type RunFrontend } from './gateway-bridge.ts'
import { buildkitVersion } from './version.ts'
import { workerRecord } from './worker-record.ts'

/** What a frontend image is run with. */
export interface GatewayRequest {
  readonly options: Readonly<Record<string, string>>
  readonly inputs: Readonly<Record<string, Definition>>
  readonly settings: FrontendSettings
  /** Runs the frontends that this one asks for. */
  readonly runFrontend: RunFrontend
  /** A named context that replaces the frontend; undefined for none. */
  readonly replacement: (source: string) => Promise<FrontendImage | undefined>
}

/** A frontend as a tree and its configuration. */
export interface FrontendImage {
  readonly definition: Definition
  readonly config: ImageConfig | undefined
}

/** Bytes of standard error that are kept for the message of a failure. */
const keptStderr = 4096

/** How long a frontend may take to say its first word, and to end after its connection has; ms. */
const patience = { greeting: 30_000, ending: 2000 }

/**
 * `gateway.v0`: runs an image that speaks LLBBridge over its standard streams, in a container of its own. Throws
 * `invalid-argument` without a `source`, `unimplemented` for abilities that it lacks, and what it returns as its failure.
 * Protocol: https://github.com/moby/buildkit/blob/v0.32.2/frontend/gateway/gateway.go
 */
export async function runGateway(request: GatewayRequest, bridge: BuildBridge): Promise<BridgeResult> {
  const { options, inputs, settings, runFrontend } = request
  const source = options['source']
  if (source === undefined) throw new SlipwayError('invalid-argument', 'no source specified for gateway')
  checkAllowed(source, settings)
  const { definition, config } =
    (await request.replacement(source)) ?? (await resolveFrontend(source, bridge))
  const root = await bridge.ref(definition)
  if (root === undefined)
    throw new SlipwayError('invalid-argument', "gateway source didn't return default result")
  checkCapabilities(config, options, inputs)
  await using served = new GatewayBridge(bridge, runFrontend, inputs)
  const failure = await runContainer(root, config, options, served, bridge)
  const returned = await Promise.race([served.returned.promise, Promise.resolve(undefined)])
  if (returned?.kind === 'error') throw returned.error
  if (failure !== undefined) throw failure
  if (returned === undefined) throw new SlipwayError('unknown', 'no result for incomplete build')
  return returned.result
}

function checkAllowed(source: string, { allowedRepositories }: FrontendSettings): void {
  if (allowedRepositories.length === 0) return
  if (allowedRepositories.includes(repositoryName(parseReference(source)))) return
  throw new SlipwayError('permission-denied', `'${source}' is not an allowed gateway source`)
}

async function resolveFrontend(source: string, bridge: BuildBridge): Promise<FrontendImage> {
  const reference = formatReference(parsePullReference(source))
  const resolved = await bridge.resolveImageConfig({
    reference,
    platform: undefined,
    resolveMode: undefined,
    logName: undefined,
  })
  const platform = bridge.services.hostPlatform
  const state = imageSource(resolved.reference, { platform, recordType: 'frontend' })
  const definition = marshal(state.output, {
    platform: bridge.services.hostPlatform,
    localUniqueId: bridge.job.id,
  })
  return { definition, config: parseImageConfig(resolved.config) }
}

/** Abilities that the build needs and the frontend does not claim. */
function checkCapabilities(
  config: ImageConfig | undefined,
  options: Readonly<Record<string, string>>,
  inputs: Readonly<Record<string, Definition>>,
): void {
  const list = (text: string | undefined): string[] => (text ?? '').split(',').filter(one => one !== '')
  const has = list(config?.config.Labels?.['moby.buildkit.frontend.caps'])
  const wanted = list(options['frontend.caps'])
  if (Object.keys(inputs).length > 0) wanted.push('moby.buildkit.frontend.inputs')
  const missing = wanted.find(one => !has.includes(one))
  if (missing === undefined) return
  throw new SlipwayError('unimplemented', `unsupported frontend capability ${missing}`, {
    details: [{ type: 'errdefs.FrontendCap', name: missing }],
  })
}

/** Runs the frontend to its end; answers how it failed, where it did. */
async function runContainer(
  root: BridgeRef,
  config: ImageConfig | undefined,
  options: Readonly<Record<string, string>>,
  served: GatewayBridge,
  bridge: BuildBridge,
): Promise<SlipwayError | undefined> {
  const { trees, exec } = bridge.services
  const { proxy } = bridge
  await using resources = new AsyncDisposableStack()
  const { signal } = bridge
  const ids = await trees.stack(await root.result(), signal)
  const active = resources.use(await trees.prepare(stackRef(ids), { description: 'frontend', signal }))
  const metadata = await mkdtemp(join(tmpdir(), 'slipway-frontend-'))
  resources.defer(() => rm(metadata, { recursive: true, force: true }))
  await writeFile(
    join(metadata, 'frontend.bin'),
    toBinary(DefinitionSchema, create(DefinitionSchema, root.definition)),
    { mode: 0o400 },
  )
  const container: ContainerSpec = {
    id: `f${randomBytes(12).toString('hex')}`,
    root: { kind: 'overlay', lowers: trees.directories(ids), upper: active.upper, work: active.work },
    readonlyRoot: false,
    mounts: [
      {
        kind: 'bind',
        source: { kind: 'directory', path: metadata },
        target: '/run/config/buildkit/metadata',
        readonly: true,
      },
    ],
    process: {
      args: config?.config.Entrypoint ?? ['/run'],
      env: environment(config, options, bridge),
      cwd: config?.config.WorkingDir || '/',
      user: { uid: 0, gid: 0, groups: [] },
    },
    platform: bridge.services.hostPlatform,
    network: isTrue(config?.config.Labels?.['moby.buildkit.frontend.network.none']) ? 'none' : 'default',
    ...(proxy === undefined ? {} : { proxy }),
    security: 'sandbox',
    extraHosts: [],
    ulimits: [],
  }
  const streams = standardStreams()
  const connection = resources.use(
    serveDuplex(
      streams.duplex,
      router => {
        bridgeRoutes(async () => served)(router)
        healthRoutes(router)
      },
      { greeting: patience.greeting },
    ),
  )
  let words = ''
  const stdio = {
    stdin: streams.toProcess,
    stdout: streams.fromProcess,
    stderr: (chunk: Uint8Array): void => {
      words = (words + Buffer.from(chunk).toString('utf8')).slice(-keptStderr)
    },
  }
  const deserted = new AbortController()
  const running = exec.executor.run(container, stdio, AbortSignal.any([signal, deserted.signal]))
  // After the process has ended this does nothing any more.
  void connection.closed.then(() => setTimeout(() => deserted.abort(), patience.ending).unref())
  const said = (): { hint?: string } => {
    const last = words.trim()
    return last === '' ? {} : { hint: `the frontend said: ${last}` }
  }
  try {
    const { code } = await running
    return code === 0 ? undefined : new SlipwayError('unknown', `exit code: ${code}`, said())
  } catch (e) {
    if (signal.aborted || !deserted.signal.aborted) throw e
    return new SlipwayError('unknown', 'frontend grpc server closed unexpectedly', said())
  }
}

function environment(
  config: ImageConfig | undefined,
  options: Readonly<Record<string, string>>,
  bridge: BuildBridge,
): readonly string[] {
  const record = workerRecord(bridge.services)
  const workers = [
    {
      id: record.ID ?? '',
      labels: record.Labels ?? {},
      platforms: bridge.services.platforms().map(platformJson),
      gcPolicy: null,
      buildkitVersion: { ...buildkitVersion },
      cdiDevices: null,
    },
  ]
  return [
    ...(config?.config.Env ?? []),
    ...Object.entries(options).map(([key, value], i) => `BUILDKIT_FRONTEND_OPT_${i}=${key}=${value}`),
    `BUILDKIT_SESSION_ID=${bridge.sessionId}`,
    `BUILDKIT_WORKERS=${goJson(workers)}`,
    'BUILDKIT_EXPORTEDPRODUCT=buildkit',
  ]
}

const platformJson = ({
  architecture,
  os,
  variant,
}: {
  architecture: string
  os: string
  variant?: string
}) => ({
  architecture,
  os,
  variant,
})

/** Go's ParseBool. */
const isTrue = (text: string | undefined): boolean => /^(?:1|t|T|true|TRUE|True)$/.test(text ?? '')

/** The standard streams of a process as one connection. */
function standardStreams(): {
  duplex: Duplex
  toProcess: AsyncIterable<Uint8Array>
  fromProcess: (chunk: Uint8Array) => void
} {
  const input = new AsyncQueue<Uint8Array>({ capacity: 64 })
  const duplex = new Duplex({
    read() {},
    write(chunk: Uint8Array, _encoding, done) {
      input.send(chunk).then(() => done(), done)
    },
    final(done) {
      input.end()
      done()
    },
    destroy(error, done) {
      input.end()
      done(error)
    },
  })
  return { duplex, toProcess: input, fromProcess: chunk => void duplex.push(chunk) }
}
