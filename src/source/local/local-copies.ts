import type { SessionCaller } from '../../session/session.ts'
import type { LocalFilter, Ref } from '../../snapshot/ref.ts'
import type { SourceContext } from '../source-context.ts'

/** A directory of a client that is somewhere else. */
export interface LocalRequest {
  readonly name: string
  /** Together with the session's shared key it says which copy of earlier builds to bring up to date. */
  readonly sharedKeyHint: string
  readonly filter: LocalFilter
  /** `metadata` compares attributes to find what has changed; `none` fetches all anew; undefined is as careful as it has to be. */
  readonly differ: 'metadata' | 'none' | undefined
  /** Patterns of the only files whose content is wanted; of all others it is told what they are. */
  readonly contentOnly?: readonly string[]
}

/** Copies of clients' directories that builds bring up to date: only what has changed is sent. */
export interface LocalCopies {
  fetch(session: SessionCaller, request: LocalRequest, ctx: SourceContext): Promise<Ref>
}
