import type { Range } from '../../errors/source-range.ts'
import type { ArgDefinition } from '../instructions/name-value.ts'

/** An ARG with its value. */
export interface ArgUse {
  readonly value: string
  readonly definition: ArgDefinition
  /** Names that its default mentions. */
  readonly dependencies: ReadonlySet<string>
  readonly ranges: readonly Range[]
}

/** A secret or SSH agent that steps ask for. */
export interface MountUse {
  readonly required: boolean
  readonly ranges: readonly Range[]
}

/** What a stage takes from the one who builds. */
export class Outline {
  readonly args: Map<string, ArgUse>
  readonly used: Set<string>
  readonly secrets: Map<string, MountUse>
  readonly ssh: Map<string, MountUse>

  constructor(from?: Outline) {
    this.args = new Map(from?.args)
    this.used = new Set(from?.used)
    this.secrets = new Map(from?.secrets)
    this.ssh = new Map(from?.ssh)
  }

  /** A copy that can change by itself. */
  clone(): Outline {
    return new Outline(this)
  }

  /** Marks the args too that used ones depend on. */
  spreadUse(): void {
    const open = [...this.used]
    const visited = new Set<string>()
    for (let name = open.pop(); name !== undefined; name = open.pop()) {
      if (visited.has(name)) continue
      visited.add(name)
      this.used.add(name)
      open.push(...(this.args.get(name)?.dependencies ?? []))
    }
  }
}
