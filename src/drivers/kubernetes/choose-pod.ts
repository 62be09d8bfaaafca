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
 * move to others (the highest hash of key and name wins); or any. Throws `unavailable` where none runs.
 */
export function choosePod(pods: readonly V1Pod[], key: string | undefined): V1Pod {
  const running = runningPods(pods)
  if (running.length === 0) throw new SlipwayError('unavailable', 'no running buildkit pods found')
  if (key === undefined) return running[randomInt(running.length)] as V1Pod
  const weight = (pod: V1Pod): string =>
    createHash('sha256')
      .update(`${key}\0${pod.metadata?.name ?? ''}`)
      .digest('hex')
  return running.toSorted((a, b) => (weight(a) > weight(b) ? -1 : 1))[0] as V1Pod
}
