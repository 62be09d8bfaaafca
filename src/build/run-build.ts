import { create } from '@bufbuild/protobuf'
import { randomBytes, randomUUID } from 'node:crypto'
import { driveBuild, type DriveResult } from '../buildkit/client/drive-build.ts'
import { openSession } from '../buildkit/client/open-session.ts'
import { SolveRequestSchema } from '../proto/gen/control_pb.ts'
import type { Policy } from '../proto/gen/source-policy_pb.ts'
import type { Attachable } from '../session/attachable.ts'
import { contentStores } from '../session/attachables/content.ts'
import { fileSync } from '../session/attachables/file-sync.ts'
import type { BuildkitConnection } from '../session/connection.ts'
import type { StatusWriter } from '../status/solve-status.ts'
import type { BuildInputs } from './build-inputs.ts'
import type { BuildRequest } from './build-request.ts'
import { type CachePreparation, prepareCaches } from './cache-options.ts'
import { frontendAttributes, frontendName } from './frontend-attributes.ts'
import type { NodeCaches } from './node-caches.ts'
import { enterImages, exportStores } from './layout-output.ts'
import type { ResolvedOutput } from './outputs.ts'
import type { StoppedBuild } from './stopped-build.ts'
import type { BuildLinks } from './target-links.ts'

/** What one build on one node takes. */
export interface RunBuildOptions {
  readonly request: BuildRequest
  readonly inputs: Pick<
    BuildInputs,
    'localDirs' | 'frontendAttrs' | 'frontendInputs' | 'layouts' | 'sharedKey'
  >
  readonly outputs: readonly ResolvedOutput[]
  /** Attachables besides local directories: credentials, secrets, agents, receivers of exports. */
  readonly attachables: readonly Attachable[]
  /** Builds of the same call that this one uses, or that use it. */
  readonly links?: BuildLinks
  /** Rules about sources. */
  readonly sourcePolicy?: Policy
  readonly onStatus: StatusWriter
  /** Where relative paths begin. */
  readonly cwd: string
  /** A cache's entry with what the environment says of it; undefined for one that is to be left out. */
  readonly complete?: NonNullable<CachePreparation['complete']>
  /** Called with written caches in place of `BuildCaches.finish`. */
  readonly cachesWritten?: NodeCaches['add']
  /** Told what the build is done without. */
  readonly warn: (line: string) => void
  readonly signal: AbortSignal
  /** Called when the build has ended well; what it answers is added to what the exporters say. */
  readonly finished?: (
    connection: BuildkitConnection,
    ref: string,
  ) => Promise<Readonly<Record<string, string>>>
  /** Called when all trees are made, or could not be, before anything is exported. What it throws ends the build. */
  readonly debug?: (build: StoppedBuild) => Promise<void>
  /** Reference of the build; a new one if absent. */
  readonly ref?: string
}

/** A new build reference, as buildx makes them: 25 characters of base 36. */
export function newBuildRef(): string {
  let ref = ''
  for (const byte of randomBytes(25)) ref += (byte % 36).toString(36)
  return ref
}

/** Runs a build on a node to its end. Throws `failed to solve` errors as the node words them. */
export async function runBuild(
  connection: BuildkitConnection,
  options: RunBuildOptions,
): Promise<DriveResult & { readonly ref: string }> {
  const { request, inputs, outputs, signal } = options
  const ref = options.ref ?? newBuildRef()
  const [only] = outputs.length === 1 ? outputs : []
  const directories = Object.fromEntries(
    Object.entries(inputs.localDirs).map(([name, path]) => [name, { path }]),
  )
  const identity = {
    id: randomUUID().replaceAll('-', ''),
    name: inputs.sharedKey,
    sharedKey: inputs.sharedKey,
  }
  const layouts = Object.entries(inputs.layouts).map(([name, path]) => [`oci:${name}`, { path }] as const)
  const caches = await prepareCaches(request, options)
  for (const warning of caches.warnings) options.warn(warning)
  const directoryStores = { ...Object.fromEntries(layouts), ...caches.stores, ...exportStores(outputs) }
  const stores = Object.keys(directoryStores).length === 0 ? [] : [contentStores(directoryStores)]
  const attachables = [fileSync(directories), ...stores, ...options.attachables]
  const frontendAttrs = { ...frontendAttributes(request), ...inputs.frontendAttrs, ...caches.frontendAttrs }
  const linked = await options.links?.inputs(frontendAttrs, signal)
  await using session = openSession(connection, attachables, identity)
  const result = await driveBuild(connection, {
    request: create(SolveRequestSchema, {
      Ref: ref,
      Session: session.id,
      // The frontend is asked through the bridge; here they tell which attestations are wanted, and what the history shows.
      FrontendAttrs: { ...frontendAttrs },
      // Daemons before 0.13 know one exporter, in these fields.
      ExporterDeprecated: only?.type ?? '',
      ExporterAttrsDeprecated: { ...only?.attrs },
      Exporters: outputs.map(output => ({ Type: output.type, Attrs: { ...output.attrs } })),
      Cache: {
        Exports: [...caches.exports],
        Imports: [...caches.imports],
      },
      Entitlements: [...request.allow],
      Internal: request.call !== undefined,
      ...(options.sourcePolicy === undefined ? {} : { SourcePolicy: options.sourcePolicy }),
    }),
    frontend: frontendName(request),
    frontendOptions: linked?.frontendAttrs ?? frontendAttrs,
    frontendInputs: { ...inputs.frontendInputs, ...linked?.frontendInputs },
    onResult: async (result, evaluate, bridge) => {
      if (options.debug !== undefined) await stopAfter(evaluate, bridge, result, options.debug)
      await options.links?.built(result, evaluate, signal)
    },
    onStatus: options.onStatus,
    signal,
  })
  if (options.cachesWritten === undefined) await caches.finish(result.exporterResponse)
  else await options.cachesWritten(caches, result.exporterResponse)
  await enterImages(outputs, result.exporterResponse)
  const more = await options.finished?.(connection, ref)
  return { ...result, exporterResponse: { ...result.exporterResponse, ...more }, ref }
}

/** Makes all trees and lets the user look at them, or at why they could not be made. */
async function stopAfter(
  evaluate: () => Promise<void>,
  bridge: StoppedBuild['bridge'],
  result: StoppedBuild['result'],
  debug: (build: StoppedBuild) => Promise<void>,
): Promise<void> {
  const error: unknown = await evaluate().then(
    () => undefined,
    (e: unknown) => e,
  )
  await debug({ bridge, result, error })
  if (error !== undefined) throw error
}
