import { create } from '@bufbuild/protobuf'
import { randomBytes, randomUUID } from 'node:crypto'
import { driveBuild, type DriveResult } from '../buildkit/client/drive-build.ts'
import { openSession } from '../buildkit/client/open-session.ts'
import { SolveRequestSchema } from '../proto/gen/control_pb.ts'
import type { Attachable } from '../session/attachable.ts'
import { contentStores } from '../session/attachables/content.ts'
import { fileSync } from '../session/attachables/file-sync.ts'
import type { BuildkitConnection } from '../session/connection.ts'
import type { StatusWriter } from '../status/solve-status.ts'
import type { BuildInputs } from './build-inputs.ts'
import type { BuildRequest } from './build-request.ts'
import { frontendAttributes } from './frontend-attributes.ts'
import type { ResolvedOutput } from './outputs.ts'

/** What one build on one node takes. */
export interface RunBuildOptions {
  readonly request: BuildRequest
  readonly inputs: Pick<BuildInputs, 'localDirs' | 'frontendAttrs' | 'layouts' | 'sharedKey'>
  readonly outputs: readonly ResolvedOutput[]
  /** Attachables besides local directories: credentials, secrets, agents, receivers of exports. */
  readonly attachables: readonly Attachable[]
  readonly onStatus: StatusWriter
  readonly signal: AbortSignal
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
  const ref = newBuildRef()
  const directories = Object.fromEntries(
    Object.entries(inputs.localDirs).map(([name, path]) => [name, { path }]),
  )
  const identity = {
    id: randomUUID().replaceAll('-', ''),
    name: inputs.sharedKey,
    sharedKey: inputs.sharedKey,
  }
  const layouts = Object.entries(inputs.layouts).map(([name, path]) => [`oci:${name}`, { path }] as const)
  const stores = layouts.length === 0 ? [] : [contentStores(Object.fromEntries(layouts))]
  const attachables = [fileSync(directories), ...stores, ...options.attachables]
  await using session = openSession(connection, attachables, identity)
  const result = await driveBuild(connection, {
    request: create(SolveRequestSchema, {
      Ref: ref,
      Session: session.id,
      Exporters: outputs.map(output => ({ Type: output.type, Attrs: { ...output.attrs } })),
      Cache: {
        Exports: request.cacheTo.map(cacheOption),
        Imports: request.cacheFrom.map(cacheOption),
      },
      Entitlements: [...request.allow],
    }),
    frontend: 'dockerfile.v0',
    frontendOptions: { ...frontendAttributes(request), ...inputs.frontendAttrs },
    frontendInputs: {},
    onStatus: options.onStatus,
    signal,
  })
  return { ...result, ref }
}

const cacheOption = (
  entry: BuildRequest['cacheFrom'][number],
): { Type: string; Attrs: { [key: string]: string } } => ({
  Type: entry.type,
  Attrs: { ...entry.attributes },
})
