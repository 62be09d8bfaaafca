import { onlySource, onlySourceDefinition } from '../llb/head.ts'
import type { State } from '../llb/state.ts'
import { definitionOf, type FrontendScope } from './scope.ts'

/**
 * The time of a source in seconds: of the commit of a Git repository, or when a download was last changed (as its server
 * says, else that of the newest file in an archive); undefined where it has none, or where the state is more than a source.
 * Source: https://github.com/moby/buildkit/blob/v0.32.2/frontend/dockerfile/dockerfile2llb/epoch.go
 */
export async function sourceTime<Ref>(
  state: State,
  logName: string,
  scope: FrontendScope<Ref>,
): Promise<number | undefined> {
  const whole = definitionOf(state, scope)
  const source = onlySource(whole)
  const definition = onlySourceDefinition(whole)
  if (source === undefined || definition === undefined) return undefined
  const meta = await scope.bridge.resolveSource(source, logName, scope.signal)
  if (meta.git?.commitObject !== undefined && meta.git.commitObject.length > 0) {
    return committerTime(meta.git.commitObject)
  }
  if (meta.http?.lastModified !== undefined) return meta.http.lastModified
  const filename = source.attrs['http.filename']
  if (!/^https?:\/\//.test(source.identifier) || !filename) return undefined
  const ref = await scope.bridge.solve({ definition }, scope.signal)
  return await scope.bridge.archiveTime(ref, filename, scope.signal)
}

/** Seconds in the `committer` line of a commit object. */
function committerTime(commit: Uint8Array): number | undefined {
  const header = Buffer.from(commit).toString('utf8').split('\n\n', 1)[0] ?? ''
  const seconds = /^committer .*> (-?[0-9]+) [+-][0-9]{4}$/m.exec(header)?.[1]
  return seconds === undefined ? undefined : Number(seconds)
}
