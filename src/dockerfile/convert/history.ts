import { formatRfc3339 } from '../../gostd/time.ts'
import type { ConvertContext } from './context.ts'
import type { StageBuild } from './stage-build.ts'

/** How a history entry came about. */
export interface Commit {
  /** The step makes a layer. */
  readonly layer?: boolean
  /** The text ends in ` # buildkit`. */
  readonly marked?: boolean
}

/** Adds an entry to the history of a stage's image. */
export function addHistory(
  build: StageBuild,
  context: ConvertContext,
  text: string,
  commit: Commit = {},
): void {
  build.addHistory({
    ...(context.epoch === undefined ? {} : { created: formatRfc3339(context.epoch * 1000) }),
    created_by: commit.marked ? `${text} # buildkit` : text,
    comment: 'buildkit.dockerfile.v0',
    ...(commit.layer ? {} : { empty_layer: true }),
  })
}
