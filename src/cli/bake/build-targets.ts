import { tmpdir } from 'node:os'
import { forEachBounded } from '../../async/map-bounded.ts'
import { prepareInputs } from '../../build/build-inputs.ts'
import type { BuildRequest } from '../../build/build-request.ts'
import { newBuildRef } from '../../build/run-build.ts'
import { resolveOutputs, type ResolvedOutput } from '../../build/outputs.ts'
import { TargetLinks } from '../../build/target-links.ts'
import type { Builder } from '../../builder/builder.ts'
import { type BuilderHost, openPlaces } from '../../builder/builder-host.ts'
import { saveBuildGroup } from '../../builder/local-state.ts'
import { wrapError } from '../../errors/slipway-error.ts'
import { prefixed } from '../../progress/status-writers.ts'
import type { Definition } from '../../proto/gen/ops_pb.ts'
import type { StatusWriter } from '../../status/solve-status.ts'
import { fetchDockerfile } from '../fetch-dockerfile.ts'
import type { Host } from '../host.ts'
import { gitAsInput, type SolvedBuild, Solving } from '../solve-build.ts'
import { storeOutput } from '../store-output.ts'

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
  /** What the user asked for: targets and groups by name. */
  readonly asked: readonly string[]
  readonly signal: AbortSignal
}

/** How the warning begins that a result goes nowhere. */
const noOutput = 'WARNING: No output specified '

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
  const surroundings = {
    cwd: host.cwd,
    tempDir: tmpdir(),
    stdin: host.stdin.stream,
    targets: new Set(requests.keys()),
    ...gitAsInput(host),
  }
  const refs = new Map([...requests.keys()].map(name => [name, newBuildRef()]))
  const groupRef = newBuildRef()
  noteGroup(groupRef, refs, requests, options)
  const results = new Map<string, SolvedBuild>()
  const notes = new Map([...requests.keys()].map((name): [string, string[]] => [name, []]))
  using _told = { [Symbol.dispose]: () => void options.notes.push(...gatherNotes(notes)) }
  await forEachBounded(
    requests,
    async ([name, request], _, signal) => {
      try {
        const outputs = outputsOf(request, host)
        const ownWrite = several ? prefixed(write, name) : write
        const download = (url: string): Promise<Uint8Array> =>
          fetchDockerfile(url, options.builder, ownWrite, signal)
        await using inputs = await prepareInputs(request, { ...surroundings, download })
        const own = trees.get(name)
        const solving = new Solving({
          ...options,
          notes: notes.get(name) ?? [],
          request,
          outputs,
          inputs,
          write: ownWrite,
          context: { host, signal, ...(provenance === undefined ? {} : { provenance }) },
          target: {
            name,
            links,
            ref: refs.get(name) ?? newBuildRef(),
            groupRef,
            ...(own === undefined ? {} : { trees: own }),
          },
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

/** Notes for `history` which builds are of this call; a directory that cannot be written is no reason to fail. */
function noteGroup(
  groupRef: string,
  refs: ReadonlyMap<string, string>,
  requests: ReadonlyMap<string, BuildRequest>,
  { asked, builderHost }: BuildTargetsOptions,
): void {
  const built = [...refs].filter(([name]) => requests.get(name)?.call === undefined)
  if (built.length === 0) return
  try {
    saveBuildGroup(openPlaces(builderHost).dir, groupRef, {
      targets: asked.length === 0 ? ['default'] : asked,
      refs: built.map(([, ref]) => ref),
    })
  } catch {
    // What is noted here is a convenience of this machine.
  }
}

/** Notes of all targets; the warning that there is no output comes once and names the targets that have none. */
function gatherNotes(notes: ReadonlyMap<string, readonly string[]>): string[] {
  const missing = new Map<string, string[]>()
  const others: string[] = []
  for (const [name, lines] of [...notes].sort(([a], [b]) => (a < b ? -1 : 1))) {
    for (const line of lines) {
      if (line.startsWith(noOutput)) missing.set(line, [...(missing.get(line) ?? []), name])
      else others.push(line)
    }
  }
  const warnings = [...missing].map(([line, names]) =>
    names.join() === 'default'
      ? line
      : `${noOutput}for ${names.join(', ')} target(s) ${line.slice(noOutput.length)}`,
  )
  return [...new Set([...warnings, ...others])]
}

/** Outputs asked for; with none, the image stays in the local store. */
function outputsOf(request: BuildRequest, host: Host): readonly ResolvedOutput[] {
  const { call, outputs, tags } = request
  if (call !== undefined) return []
  if (outputs.length > 0)
    return resolveOutputs(outputs, tags, { cwd: host.cwd, stdoutIsTerminal: host.stdout.isTTY })
  return [storeOutput(tags)]
}
