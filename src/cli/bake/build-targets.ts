import { tmpdir } from 'node:os'
import { forEachBounded } from '../../async/map-bounded.ts'
import { prepareInputs } from '../../build/build-inputs.ts'
import type { BuildRequest } from '../../build/build-request.ts'
import { resolveOutputs, type ResolvedOutput } from '../../build/outputs.ts'
import { TargetLinks } from '../../build/target-links.ts'
import type { Builder } from '../../builder/builder.ts'
import type { BuilderHost } from '../../builder/builder-host.ts'
import { wrapError } from '../../errors/slipway-error.ts'
import { prefixed } from '../../progress/status-writers.ts'
import type { Definition } from '../../proto/gen/ops_pb.ts'
import type { StatusWriter } from '../../status/solve-status.ts'
import type { Host } from '../host.ts'
import { type SolvedBuild, Solving } from '../solve-build.ts'

/** Where and with what targets are built. */
export interface BuildTargetsOptions {
  readonly host: Host
  readonly builder: Builder
  readonly builderHost: BuilderHost
  readonly write: StatusWriter
  /** Takes lines that the user is to read when the display is closed. */
  readonly notes: string[]
  /** How much provenance of the history is put into the answers; absent: none. */
  readonly provenance?: 'min' | 'max'
  /** Contexts of targets that are graphs, by target and name of the context. */
  readonly trees: ReadonlyMap<string, Readonly<Record<string, Definition>>>
  readonly signal: AbortSignal
}

/**
 * Builds all targets at the same time, those that are contexts of others in step with them. The first failure stops the
 * rest and names its target where there are several.
 */
export async function buildTargets(
  requests: ReadonlyMap<string, BuildRequest>,
  options: BuildTargetsOptions,
): Promise<ReadonlyMap<string, SolvedBuild>> {
  const { provenance, host, write, trees } = options
  const several = requests.size > 1
  const contexts = new Map([...requests].map(([name, request]) => [name, Object.values(request.contexts)]))
  const links = new TargetLinks(contexts)
  const results = new Map<string, SolvedBuild>()
  await forEachBounded(
    requests,
    async ([name, request], _, signal) => {
      try {
        const outputs = outputsOf(request, host)
        const surroundings = { cwd: host.cwd, tempDir: tmpdir(), stdin: host.stdin.stream }
        await using inputs = await prepareInputs(request, surroundings)
        const own = trees.get(name)
        const solving = new Solving({
          ...options,
          request,
          outputs,
          inputs,
          write: several ? prefixed(write, name) : write,
          context: { host, signal, ...(provenance === undefined ? {} : { provenance }) },
          target: { name, links, ...(own === undefined ? {} : { trees: own }) },
        })
        results.set(name, await solving.run())
      } catch (error) {
        throw several ? wrapError(`target ${name}`, error) : error
      }
    },
    { limit: requests.size, signal: options.signal },
  )
  return results
}

/** Outputs asked for; with none, the image stays in the local store. */
function outputsOf(request: BuildRequest, host: Host): readonly ResolvedOutput[] {
  const { call, outputs, tags } = request
  if (call !== undefined) return []
  if (outputs.length > 0)
    return resolveOutputs(outputs, tags, { cwd: host.cwd, stdoutIsTerminal: host.stdout.isTTY })
  return [{ type: 'image', attrs: { name: tags.join(','), 'dangling-name-prefix': 'slipway.local/build' } }]
}
