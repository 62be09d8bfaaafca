import type { LinuxResources, SourceFile } from '../../llb/options.ts'
import type { ResolveMode } from '../../llb/source.ts'
import type { ExecVertex } from '../../llb/vertex.ts'
import type { Platform } from '../../oci/descriptor.ts'
import type { LintWarning } from '../linter/linter.ts'
import type { LintOptions } from '../linter/options.ts'

/** Everything besides the Dockerfile that decides what is built. */
export interface ConvertOptions {
  readonly buildArgs: Readonly<Record<string, string>>
  readonly labels: Readonly<Record<string, string>>
  /** Empty for the last stage. */
  readonly target: string
  /** Undefined where none was asked for. */
  readonly targetPlatform: Platform | undefined
  /** Platforms that the builder runs itself, the default one first; never empty. */
  readonly buildPlatforms: readonly Platform[]
  /** That of the machine; what a platform text leaves open comes from here. */
  readonly hostPlatform: Platform
  /** Names of steps mention the platform. */
  readonly multiPlatform: boolean
  readonly resolveMode: ResolveMode
  readonly network: ExecVertex['network']
  readonly extraHosts: ExecVertex['extraHosts']
  readonly hostname: string
  /** Bytes; 0 for the default. */
  readonly shmSize: number
  readonly ulimits: ExecVertex['ulimits']
  readonly cgroupParent: string
  readonly linuxResources: LinuxResources | undefined
  /** In front of the ids of cache mounts. */
  readonly cacheNamespace: string
  /** Instead of the `check` directive of the file. */
  readonly lint: LintOptions | undefined
  /** Receives warnings; without it no check runs. */
  readonly warn?: ((warning: LintWarning) => void) | undefined
  /** Convert stages too that the target does not need (for checks). */
  readonly allStages?: boolean
  /** The Dockerfile. */
  readonly file: SourceFile
}
