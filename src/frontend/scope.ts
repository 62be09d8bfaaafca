import type { Definition } from '../llb/definition.ts'
import { marshal } from '../llb/marshal.ts'
import type { State } from '../llb/state.ts'
import type { Attributes } from './attributes.ts'
import type { FrontendBridge } from './bridge.ts'
import type { BuildConfig } from './build-config.ts'

/** One run of the frontend. */
export interface FrontendScope<Ref> {
  readonly bridge: FrontendBridge<Ref>
  readonly attributes: Attributes
  readonly config: BuildConfig
  readonly signal: AbortSignal | undefined
  /** Tells local directories without a session apart from those of other builds. */
  readonly uniqueId: string
}

/** The definition of a state that the frontend itself reads. */
export function definitionOf<Ref>(state: State, scope: FrontendScope<Ref>): Definition {
  const { uniqueId: localUniqueId, bridge } = scope
  return marshal(state.output, { platform: bridge.facts.hostPlatform, localUniqueId })
}

/** Builds a state and returns its tree. */
export async function solveState<Ref>(
  state: State,
  scope: FrontendScope<Ref>,
  evaluate = false,
): Promise<Ref | undefined> {
  return await scope.bridge.solve({ definition: definitionOf(state, scope), evaluate }, scope.signal)
}

/** The session that serves a local directory. */
export function sessionOf<Ref>(name: string, scope: FrontendScope<Ref>): string {
  const { localSessions } = scope.config
  return (
    (Object.hasOwn(localSessions, name) ? localSessions[name] : undefined) ?? scope.bridge.facts.sessionId
  )
}

/** Like `once`, for something that is made on first use and may fail. */
export function lazily<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined
  return () => (made ??= make())
}
