import type { FrontendBridge, ImageLookup } from '../frontend/bridge.ts'
import type { FrontendResult } from '../frontend/result.ts'
import { SlipwayError } from '../errors/slipway-error.ts'
import { isDigest } from '../oci/digest.ts'
import { archiveTime } from '../ops/archive-time.ts'
import type { Definition } from '../proto/gen/ops_pb.ts'
import { type BridgeRef, type BridgeResult, treeOf } from './bridge-ref.ts'
import type { BuildBridge } from './build-bridge.ts'
import { callFrontend } from './call-frontend.ts'
import type { RunFrontend } from './gateway-bridge.ts'
import { readRefFile } from './ref-files.ts'
import { scannedTree } from './scanned-tree.ts'

/** What frontends inside this process may ask, in their own words. `runFrontend` runs those that they ask for. */
export function createFrontendBridge(
  bridge: BuildBridge,
  inputs: Readonly<Record<string, Definition>>,
  runFrontend?: RunFrontend,
): FrontendBridge<BridgeRef> {
  const { services } = bridge
  return {
    facts: {
      sessionId: bridge.sessionId,
      platforms: services.platforms(),
      hostPlatform: services.hostPlatform,
    },
    async resolveImage(name: string, lookup: ImageLookup) {
      const resolved = await bridge.resolveImageConfig({
        reference: name,
        platform: lookup.platform,
        resolveMode: lookup.resolveMode,
        logName: lookup.logName,
        ...(lookup.store === undefined ? {} : { store: lookup.store }),
      })
      return {
        name: resolved.name,
        digest: isDigest(resolved.digest) ? resolved.digest : undefined,
        config: resolved.config,
      }
    },
    async resolveSource(source, logName) {
      const { git, http } = await bridge.resolveSource({
        source: { identifier: source.identifier, attrs: source.attrs },
        platform: services.hostPlatform,
        resolveMode: undefined,
        logName,
        gitObjects: true,
        policies: [],
      })
      const lastModified = http?.lastModified
      return {
        ...(git === undefined ? {} : { git: { commitObject: git.commitObject } }),
        ...(http === undefined
          ? {}
          : {
              http: {
                lastModified: lastModified === undefined ? undefined : Math.floor(lastModified / 1000),
              },
            }),
      }
    },
    async solve(request) {
      bridge.importCaches(
        (request.cacheImports ?? []).map(({ type, attributes }) => ({ type, attrs: attributes })),
      )
      const ref = await bridge.ref(request.definition)
      if (request.evaluate) await ref?.result()
      if (ref !== undefined) bridge.scope.register([ref])
      return ref
    },
    async readFile(ref, path, range, signal) {
      return readRefFile(services.trees, await treeOf(ref), path, range, signal ?? bridge.signal)
    },
    async archiveTime(ref, path, signal) {
      using tree = await services.trees.view(await treeOf(ref), signal ?? bridge.signal)
      return await archiveTime(tree, path, signal ?? bridge.signal)
    },
    async openTree(ref, signal) {
      return scannedTree(await services.trees.view(await treeOf(ref), signal ?? bridge.signal))
    },
    async inputs() {
      for (const { def, metadata } of Object.values(inputs)) {
        if (def.length === 0 && Object.keys(metadata).length === 0) {
          throw new SlipwayError('invalid-argument', 'invalid nil input definition to definition op')
        }
      }
      return inputs
    },
    async forward(request) {
      const { frontend, attributes, inputs: given } = request
      if (runFrontend === undefined) throw new SlipwayError('unknown', `invalid frontend: ${frontend}`)
      const result = await callFrontend(runFrontend, { frontend, options: attributes, inputs: given }, bridge)
      return {
        ref: result.ref,
        refs: result.refs,
        metadata: result.metadata,
        attestations: result.attestations,
      }
    },
    warn: warning => bridge.warn(warning),
    note: text => bridge.note(text),
  }
}

/** The result of a frontend as the bridge hands it on. */
export function bridgeResult(result: FrontendResult<BridgeRef>): BridgeResult {
  return {
    refs: result.refs,
    metadata: result.metadata,
    attestations: new Map(
      [...result.attestations].map(([platform, list]) => [
        platform,
        list.map(one => ({ ...one, subjects: [] })),
      ]),
    ),
    ...(result.ref === undefined ? {} : { ref: result.ref }),
  }
}
