import { createHash, randomInt } from 'node:crypto'
import type { V1Pod } from '@kubernetes/client-node'
import { SlipwayError } from '../../errors/slipway-error.ts'

/** Pods that run and are not on their way out, by name. */
export function runningPods(pods: readonly V1Pod[]): readonly V1Pod[] {
  return pods
    .filter(pod => pod.status?.phase === 'Running' && pod.metadata?.deletionTimestamp === undefined)
    .toSorted((a, b) => ((a.metadata?.name ?? '') < (b.metadata?.name ?? '') ? -1 : 1))
}

/**
 * The pod of a build: the same one for the same key as long as that pod is there, and only the keys of a pod that goes
 * move to others; or any. Buildx chooses the same one: pods stand on a ring by their names' MD5, the first one after the
 * key's counts (https://github.com/serialx/hashring at v0.0.0-20200727003509). Throws `unavailable` where none runs.
 */
export function choosePod(pods: readonly V1Pod[], key: string | undefined): V1Pod {
  const running = runningPods(pods)
  if (running.length === 0) throw new SlipwayError('unavailable', 'no running buildkit pods found')
  if (key === undefined) return running[randomInt(running.length)] as V1Pod
  const ring = running
    .map(pod => ({ pod, at: position(`${pod.metadata?.name ?? ''}-0`) }))
    .toSorted((a, b) => compare(a.at, b.at))
  const wanted = position(key)
  const next = ring.find(({ at }) => compare(wanted, at) < 0) ?? ring[0]
  return next?.pod as V1Pod
}

type Position = readonly [high: bigint, low: bigint]

function position(text: string): Position {
  const hash = createHash('md5').update(text).digest()
  return [hash.readBigInt64LE(0), hash.readBigInt64LE(8)]
}

function compare(a: Position, b: Position): number {
  const [high, low] = [a[0] - b[0], a[1] - b[1]]
  return high !== 0n ? (high < 0n ? -1 : 1) : low < 0n ? -1 : low > 0n ? 1 : 0
}
