import type { Range } from '../../errors/source-range.ts'
import { type State, scratch } from '../../llb/state.ts'
import type { Platform } from '../../oci/descriptor.ts'
import type { HistoryEntry, ImageConfig } from '../../oci/image-config.ts'
import type { Instruction, Stage } from '../instructions/instruction.ts'
import type { ArgDefinition } from '../instructions/name-value.ts'
import { emptyImage } from './empty-image.ts'
import type { NamedContext } from './host.ts'
import { Outline } from './outline.ts'

/** An instruction with the stages, images and contexts that it reads from. */
export interface Command {
  readonly instruction: Instruction
  /** One for COPY --from; one per mount for RUN. */
  readonly sources: readonly StageBuild[]
  readonly isOnbuild: boolean
}

/** Where a stage stands while it is converted. Stages that COPY --from or a mount implies are here as well. */
export class StageBuild {
  /** Undefined for an implied one. */
  readonly stage: Stage | undefined
  /** Where FROM stands, or the instruction that implies it. */
  readonly ranges: readonly Range[]
  /** Name in lower case, empty where it has none. */
  readonly name: string
  /** Image or stage that it starts from, variables expanded; later with tag and digest. */
  base: string
  /** Name that steps are shown with. */
  shownName: string
  /** The stage it starts from. */
  parent: StageBuild | undefined
  namedContext: NamedContext | undefined
  state: State = scratch
  image: ImageConfig = emptyImage()
  /** The labels of `image` where they were made by this stage: nobody else has them, and they may be added to. */
  ownLabels: Record<string, string> | undefined
  /** Configuration of the image it starts from, as it came. */
  baseImage: ImageConfig | undefined
  platform: Platform | undefined
  /** Its state is final. */
  dispatched = false
  /** Its base is known. */
  resolved = false
  onbuildRead = false
  readonly dependencies = new Map<StageBuild, Instruction>()
  buildArgs: readonly ArgDefinition[] = []
  commands: Command[] = []
  /** Paths used of the build context. */
  readonly contextPaths = new Set<string>()
  /** Paths used of this stage; shared with the stages it is the base of. */
  paths = new Set<string>()
  ignoreCache = false
  stepIndex = 0
  stepTotal = 0
  isOnbuild = false
  scanStage = false
  scanContext = false
  /** A WORKDIR stood in the file, here or in the stage it starts from. */
  workdirSeen = false
  /** Last CMD, ENTRYPOINT and HEALTHCHECK of this stage. */
  readonly seen = new Map<string, readonly Range[]>()
  outline: Outline
  /** The image's history, where it is this stage's own. */
  #history: HistoryEntry[] | undefined

  constructor(source: {
    stage?: Stage
    name?: string
    shownName?: string
    base: string
    ranges: readonly Range[]
    outline?: Outline
  }) {
    this.stage = source.stage
    this.name = source.name ?? ''
    this.shownName = source.shownName ?? ''
    this.base = source.base
    this.ranges = source.ranges
    this.outline = source.outline ?? new Outline()
  }

  /** Adds to the image's history. The list is copied once: a file may have a hundred thousand instructions. */
  addHistory(entry: HistoryEntry): void {
    if (this.#history === undefined || this.image.history !== this.#history) {
      this.#history = [...this.image.history]
      this.image = { ...this.image, history: this.#history }
    }
    this.#history.push(entry)
  }

  /** Takes over what the stage it starts from has. */
  inherit(): void {
    const { parent } = this
    if (parent === undefined) return
    this.state = parent.state
    this.platform = parent.platform
    const { OnBuild: _, ...config } = parent.image.config
    this.image = { ...parent.image, config }
    this.baseImage = parent.baseImage
    this.paths = parent.paths
    this.workdirSeen = parent.workdirSeen
    this.buildArgs = parent.buildArgs
  }
}
