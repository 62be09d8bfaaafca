import type { Target } from './target.ts'

/** The targets with SOURCE_DATE_EPOCH of the environment as a build argument, where they do not set it themselves. */
export function withSourceDateEpoch(
  targets: ReadonlyMap<string, Target>,
  epoch: string | undefined,
): ReadonlyMap<string, Target> {
  if (epoch === undefined || epoch === '') return targets
  const key = 'SOURCE_DATE_EPOCH'
  return new Map(
    [...targets].map(([name, t]) => [
      name,
      t.args?.has(key) === true ? t : { ...t, args: new Map([...(t.args ?? []), [key, epoch]]) },
    ]),
  )
}
