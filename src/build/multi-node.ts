import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Writable } from 'node:stream'
import type { DriveResult } from '../buildkit/client/drive-build.ts'
import type { Assignment } from '../builder/assign-platforms.ts'
import type { BuilderNode } from '../builder/builder.ts'
import type { ResolvedNodes } from '../builder/resolve-nodes.ts'
import { asSlipwayError, type SlipwayError, wrapError } from '../errors/slipway-error.ts'
import { type Descriptor } from '../oci/descriptor.ts'
import { parseDescriptor } from '../oci/descriptor-json.ts'
import { formatPlatform, type Platform } from '../oci/platform.ts'
import type { Attachable } from '../session/attachable.ts'
import type { BuildkitConnection } from '../session/connection.ts'
import type { BuildRequest } from './build-request.ts'
import { deliverOutputs, nodeOutputs, type NodeResult } from './node-outputs.ts'
import { gatherNodeCaches, type NodeCaches, type NodeCachesOptions } from './node-caches.ts'
import { openSteps } from './open-steps.ts'
import type { ResolvedOutput } from './outputs.ts'
import { newBuildRef, runBuild, type RunBuildOptions } from './run-build.ts'
import type { BuildLinks } from './target-links.ts'

/** What a build over the nodes of a builder takes. */
export interface NodesBuildOptions extends Omit<RunBuildOptions, 'attachables' | 'links'> {
  /** Links with other builds on the same node. Linked builds stay where they are when a node goes away. */
  readonly linksOn?: (node: BuilderNode) => BuildLinks
  /** Attachables of one session: everything but receivers of exports. Called once for every try on a node. */
  readonly attachables: () => readonly Attachable[]
  /** Receivers of the exports of one node. */
  readonly receivers: (outputs: readonly ResolvedOutput[]) => Attachable
  /** Outputs as the driver of a node is asked for them. */
  readonly outputsFor: (node: BuilderNode) => Promise<NodePlan>
  /** Pushes one index of images that nodes have pushed by their digests; returns its descriptor. */
  readonly mergePushed: (names: readonly string[], images: readonly Descriptor[]) => Promise<Descriptor>
  /** A repository that caches of the nodes are merged in. */
  readonly cacheRepository: NodeCachesOptions['repository']
  /** Tells the user something, one line. */
  readonly note: (line: string) => void
  /** This machine's time, milliseconds since the epoch. */
  readonly now: () => number
  readonly tempDir: string
  readonly hostPlatform: Platform
  /** Where an archive for standard output goes. */
  readonly stdout: Writable
}

/** What a node is asked for. */
export interface NodePlan {
  readonly outputs: readonly ResolvedOutput[]
  readonly attests: BuildRequest['attests']
}

/** How a build over nodes ended. */
export interface NodesBuildResult extends DriveResult {
  readonly ref: string
  /** The node whose record of the build is the one to look at: the first. */
  readonly node: BuilderNode
}

/**
 * Builds every platform on the node it was given to, at the same time, and makes one result of theirs: pushed images
 * become one index, archives one archive, directories are merged. A node that goes away in the middle hands its platforms
 * to another one that is able; without one the error names the node. Rows C32, C37, L8, L9.
 */
export async function buildOnNodes(
  resolved: ResolvedNodes,
  options: NodesBuildOptions,
): Promise<NodesBuildResult> {
  const { nodes, assignments } = resolved
  const [only] = assignments
  if (nodes.length === 1 && only !== undefined) return await buildOnOne(nodes[0] as BuilderNode, options)
  const scratch = await mkdtemp(join(options.tempDir, 'slipway-nodes-'))
  const abort = new AbortController()
  const signal = AbortSignal.any([options.signal, abort.signal])
  const run = new NodesRun(resolved, { ...options, signal }, scratch)
  try {
    const settled = await Promise.allSettled(
      assignments.map(async assignment => {
        try {
          return await run.build(assignment)
        } catch (error) {
          abort.abort(error)
          throw error
        }
      }),
    )
    // The first failure made the others end; what it says is what went wrong.
    const failed = settled.find(result => result.status === 'rejected')
    if (failed !== undefined) throw abort.signal.reason ?? failed.reason
    const results = settled.flatMap(result => (result.status === 'fulfilled' ? result.value : []))
    return await run.finish(results)
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

async function buildOnOne(node: BuilderNode, options: NodesBuildOptions): Promise<NodesBuildResult> {
  const { outputs, attests } = await options.outputsFor(node)
  await using connection = await dial(node, options.signal)
  const result = await runToEnd(connection, {
    ...options,
    request: withProxies({ ...options.request, attests }, node),
    outputs,
    attachables: [...options.attachables(), options.receivers(outputs)],
    ...(options.linksOn === undefined ? {} : { links: options.linksOn(node) }),
  })
  return { ...result, node }
}

/** Runs a build; the steps of a daemon that goes away in the middle are ended as canceled. */
async function runToEnd(
  connection: BuildkitConnection,
  options: RunBuildOptions & Pick<NodesBuildOptions, 'now'>,
): ReturnType<typeof runBuild> {
  const steps = openSteps(options.onStatus, options.now)
  try {
    return await runBuild(connection, { ...options, onStatus: steps.write })
  } catch (error) {
    steps.cancel()
    throw error
  }
}

/** A request with the proxies of a node as build arguments, besides those that it names itself in any case. */
function withProxies(request: BuildRequest, { proxy }: BuilderNode): BuildRequest {
  const named = new Set(Object.keys(request.buildArgs).map(name => name.toLowerCase()))
  const added = Object.entries(proxy).filter(([name]) => !named.has(name.toLowerCase()))
  return { ...request, buildArgs: { ...request.buildArgs, ...Object.fromEntries(added) } }
}

async function dial(
  node: BuilderNode,
  signal: AbortSignal,
): ReturnType<NonNullable<BuilderNode['driver']>['dial']> {
  if (node.driver === undefined) throw node.error ?? new TypeError('a node without driver')
  return await node.driver.dial(signal)
}

class NodesRun {
  readonly #resolved: ResolvedNodes
  readonly #options: NodesBuildOptions
  readonly #scratch: string
  readonly #ref: string
  readonly #lost = new Set<number>()
  readonly #caches: NodeCaches
  #tries = 0

  constructor(resolved: ResolvedNodes, options: NodesBuildOptions, scratch: string) {
    this.#resolved = resolved
    this.#options = options
    this.#scratch = scratch
    this.#ref = options.ref ?? newBuildRef()
    const { cacheRepository, warn, signal } = options
    this.#caches = gatherNodeCaches({ repository: cacheRepository, warn, signal })
  }

  /** Builds platforms on a node, and on others when that one goes away. */
  async build(assignment: Assignment): Promise<readonly NodeResult[]> {
    const node = this.#resolved.nodes[assignment.node]
    if (node === undefined) throw new TypeError('an assignment to a node that is not there')
    try {
      return [await this.#buildOn(node, assignment.platforms)]
    } catch (error) {
      const { signal } = this.#options
      if (signal.aborted || !isLoss(error) || this.#options.linksOn !== undefined)
        throw this.#named(node, error)
      this.#lost.add(assignment.node)
      const next = await this.#handOver(assignment, node, error)
      return (await Promise.all(next.map(one => this.build(one)))).flat()
    }
  }

  /** Makes one result of those of the nodes. */
  async finish(results: readonly NodeResult[]): Promise<NodesBuildResult> {
    const { options, node } = { options: this.#options, node: results[0]?.node }
    const [first] = results
    if (first === undefined || node === undefined) throw new TypeError('a build without a node')
    const response: Record<string, string> = { ...first.result.exporterResponse }
    for (const { result } of results) {
      const provenance = Object.entries(result.exporterResponse).filter(([key]) =>
        key.startsWith('buildx.build.'),
      )
      Object.assign(response, Object.fromEntries(provenance))
    }
    await deliverOutputs(first.wanted, results, options)
    const cache = await this.#caches.finish()
    if (cache !== undefined) response['cache.manifest'] = cache
    const names = pushedNames(first.wanted)
    if (names.length > 0) {
      const images = results.map(({ result }) => pushedImage(result.exporterResponse))
      const merged = await options.mergePushed(names, images)
      response['containerimage.digest'] = merged.digest
      response['containerimage.descriptor'] = Buffer.from(JSON.stringify(merged)).toString('base64')
      response['image.name'] = names.join(',')
      delete response['containerimage.config.digest']
    }
    return { exporterResponse: response, metadata: first.result.metadata, ref: first.result.ref, node }
  }

  async #buildOn(node: BuilderNode, platforms: readonly Platform[]): Promise<NodeResult> {
    const { request } = this.#options
    const plan = await this.#options.outputsFor(node)
    const folder = join(this.#scratch, `${this.#tries++}`)
    // A node that takes over may have a build of this reference already.
    const ref = this.#lost.size === 0 ? this.#ref : newBuildRef()
    const outputs = nodeOutputs(plan.outputs, folder, request.platforms.length > 1)
    await using connection = await dial(node, this.#options.signal)
    const several = request.platforms.length > 1 ? { 'multi-platform': 'true' } : {}
    const { inputs } = this.#options
    const result = await runToEnd(connection, {
      ...this.#options,
      ref,
      request: withProxies({ ...request, platforms, attests: plan.attests }, node),
      inputs: { ...inputs, frontendAttrs: { ...inputs.frontendAttrs, ...several } },
      outputs,
      attachables: [...this.#options.attachables(), this.#options.receivers(outputs)],
      cachesWritten: (caches, response) => this.#caches.add(caches, response),
      ...(this.#options.linksOn === undefined ? {} : { links: this.#options.linksOn(node) }),
    })
    return { node, platforms, wanted: plan.outputs, outputs, result }
  }

  async #handOver(assignment: Assignment, node: BuilderNode, cause: unknown): Promise<readonly Assignment[]> {
    const groups = new Map<number, Platform[]>()
    for (const platform of assignment.platforms.length === 0
      ? [this.#options.hostPlatform]
      : assignment.platforms) {
      const next = await this.#resolved.takeOver(platform, this.#lost)
      if (next === undefined) throw this.#named(node, cause, platform)
      groups.set(next, [...(groups.get(next) ?? []), platform])
    }
    return [...groups].map(([next, platforms]) => {
      const texts = platforms.map(formatPlatform).join(', ')
      const to = this.#resolved.nodes[next]?.name ?? ''
      this.#options.note(
        `WARNING: node ${node.name} went away (${asSlipwayError(cause).message}): ${texts} goes to ${to}`,
      )
      return { node: next, platforms: assignment.platforms.length === 0 ? [] : platforms }
    })
  }

  #named(node: BuilderNode, error: unknown, platform?: Platform): SlipwayError {
    const inner = asSlipwayError(error)
    if (!isLoss(error)) return inner
    const what = platform === undefined ? '' : `, and no other node can build ${formatPlatform(platform)}`
    return wrapError(`node ${node.name} (${node.endpoint}) went away${what}`, inner)
  }
}

/** Whether it was the connection to the node that failed, rather than the build on it. */
function isLoss(error: unknown): boolean {
  const { code, message } = asSlipwayError(error)
  return (
    code === 'unavailable' &&
    /reading from server|dialing|dial (unix|tcp)|EOF|connect|exited|closed/i.test(message)
  )
}

function pushedNames(outputs: readonly ResolvedOutput[]): readonly string[] {
  const pushed = outputs.find(output => output.type === 'image' && output.attrs['push'] === 'true')
  return (pushed?.attrs['name'] ?? '').split(',').filter(name => name !== '')
}

function pushedImage(response: Readonly<Record<string, string>>): Descriptor {
  const text = Buffer.from(response['containerimage.descriptor'] ?? '', 'base64').toString('utf8')
  return parseDescriptor(JSON.parse(text || '{}'), 'containerimage.descriptor')
}
