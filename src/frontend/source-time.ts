import { onlySource } from '../llb/head.ts'
import type { State } from '../llb/state.ts'
import { definitionOf, type FrontendScope } from './scope.ts'

/**
 * The time of a source in seconds: of the commit of a Git repository, or when a download was last changed; undefined
 * where it has none, or where the state is more than a source.
 */
export async function sourceTime<Ref>(
  state: State,
  logName: string,
  scope: FrontendScope<Ref>,
): Promise<number | undefined> {
  const source = onlySource(definitionOf(state, scope))
  if (source === undefined) return undefined
  const meta = await scope.bridge.resolveSource(source, logName, scope.signal)
  if (meta.git?.commitObject !== undefined && meta.git.commitObject.length > 0) {
    return committerTime(meta.git.commitObject)
  }
  return meta.http?.lastModified
}

/** Seconds in the `committer` line of a commit object. */
function committerTime(commit: Uint8Array): number | undefined {
  const header = Buffer.from(commit).toString('utf8').split('\n\n', 1)[0] ?? ''
  const seconds = /^committer .*> (-?[0-9]+) [+-][0-9]{4}$/m.exec(header)?.[1]
  return seconds === undefined ? undefined : Number(seconds)
}
