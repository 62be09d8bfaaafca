import { quote } from '../../gostd/quote.ts'
import { invalid } from '../instructions/argument-error.ts'
import { withSuggestion } from '../suggest.ts'
import type { StageBuild } from './stage-build.ts'

/** All stages of a conversion, also the implied ones, in order. */
export class StageTable {
  readonly stages: StageBuild[] = []
  readonly #byName = new Map<string, StageBuild>()

  /** Adds a stage; one that starts from an earlier stage gets to know it. */
  add(build: StageBuild): void {
    this.stages.push(build)
    const parent = this.#byName.get(build.base)
    if (parent !== undefined) {
      build.parent = parent
      build.outline = parent.outline.clone()
    }
    if (build.name !== '') this.#byName.set(build.name, build)
  }

  /** The last stage of that name, in any case. */
  byName(name: string): StageBuild | undefined {
    return this.#byName.get(name.toLowerCase())
  }

  /** Throws `invalid-argument`. */
  byIndex(index: number): StageBuild {
    const build = this.stages[index]
    if (build === undefined) throw invalid(`invalid stage index ${index}`)
    return build
  }

  /** Names for suggestions. */
  names(): string[] {
    return this.stages.map(build => build.shownName).filter(name => name !== '')
  }

  /** The stage to build; the last one where `name` is empty. Throws `invalid-argument`. */
  target(name: string): StageBuild {
    if (name === '') return this.stages.at(-1) as StageBuild
    const build = this.byName(name)
    if (build !== undefined) return build
    const error = invalid(`target stage ${quote(name)} could not be found`)
    throw withSuggestion(error, name, this.names())
  }
}

/** The stage itself and all that it needs. */
export function reachableFrom(target: StageBuild): Set<StageBuild> {
  const found = new Set<StageBuild>([target])
  for (const build of found) {
    if (build.parent !== undefined) found.add(build.parent)
    for (const dependency of build.dependencies.keys()) found.add(dependency)
  }
  return found
}
