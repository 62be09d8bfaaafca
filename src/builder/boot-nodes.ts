import { SlipwayError } from '../errors/slipway-error.ts'
import type { StatusWriter } from '../status/solve-status.ts'
import type { BuilderNode } from './builder.ts'

/** How often a node is started before it is given up. Source: buildx v0.36.1 driver/driver.go */
const mostBoots = 2

/** Starts a node where it is not running. Throws what its driver says, and the node's own error where it has no driver. */
export async function bootNode(node: BuilderNode, write: StatusWriter, signal: AbortSignal): Promise<void> {
  const { driver } = node
  if (driver === undefined) throw node.error ?? new SlipwayError('not-found', 'no drivers found')
  let boot = 0
  for (; (await driver.status(signal)) !== 'running'; boot++) {
    if (boot === mostBoots) {
      throw new SlipwayError('unavailable', `failed to bootstrap ${driver.name} driver in attempts`, {
        hint: `node ${node.name} does not stay up: its own log says why`,
      })
    }
    await driver.bootstrap(write, signal)
  }
  if (boot === 0) await driver.ready?.(signal)
}

/**
 * Starts all nodes that do not run, at the same time; answers whether any was started. With several, steps carry the
 * name of their node. The first failure is thrown when all are done.
 */
export async function bootNodes(
  nodes: readonly BuilderNode[],
  write: StatusWriter,
  signal: AbortSignal,
): Promise<boolean> {
  const usable = nodes.filter(node => node.driver !== undefined)
  const running = await Promise.all(
    usable.map(async node => {
      try {
        return (await node.driver?.status(signal)) === 'running'
      } catch {
        // What it says of itself is for whoever asks; it cannot be started either.
        return true
      }
    }),
  )
  await Promise.all(usable.filter((_, i) => running[i] === true).map(node => settled(node, signal)))
  const missing = usable.filter((_, i) => running[i] !== true)
  const booted = await Promise.allSettled(
    missing.map(node => bootNode(node, missing.length > 1 ? withPrefix(node.name, write) : write, signal)),
  )
  const failed = booted.find(result => result.status === 'rejected')
  if (failed !== undefined) throw failed.reason
  return missing.length > 0
}

/** Waits for a daemon that is coming up; what it says of itself is for whoever asks. */
async function settled(node: BuilderNode, signal: AbortSignal): Promise<void> {
  await node.driver?.ready?.(signal).catch(() => signal.throwIfAborted())
}

/** Puts a name into the brackets of vertex names, or in front: `[name internal] booting buildkit`. */
export function withPrefix(prefix: string, write: StatusWriter): StatusWriter {
  return status =>
    write({
      ...status,
      ...(status.vertexes === undefined
        ? {}
        : {
            vertexes: status.vertexes.map(vertex => ({
              ...vertex,
              name: vertex.name.startsWith('[')
                ? `[${prefix} ${vertex.name.slice(1)}`
                : `[${prefix}] ${vertex.name}`,
            })),
          }),
    })
}
