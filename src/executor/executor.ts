import type { Platform } from '../oci/descriptor.ts'
import type { ProxySettings } from './proxy/proxy-server.ts'

/**
 * Where the root or a mounted tree comes from: a stack of overlay directories (lowest first) or one directory. A stack
 * with `upper` (and then `work`, on the same file system) can be written to; what is written to one without is thrown
 * away with the container. An empty stack is an empty tree.
 */
export type TreeSource =
  | {
      readonly kind: 'overlay'
      readonly lowers: readonly string[]
      readonly upper?: string
      readonly work?: string
    }
  | { readonly kind: 'directory'; readonly path: string }

/** One mount of a container besides the standard ones. `target` is absolute inside the container. */
export type ContainerMount =
  /** A tree or a part of it; `subpath` may lead to a file, and is resolved inside the tree. */
  | {
      readonly kind: 'bind'
      readonly source: TreeSource
      readonly subpath?: string
      readonly target: string
      readonly readonly: boolean
    }
  /** A file or socket of the host. */
  | { readonly kind: 'file'; readonly path: string; readonly target: string; readonly readonly: boolean }
  | { readonly kind: 'tmpfs'; readonly target: string; readonly size?: number }
  /** Bytes that exist on a tmpfs only (secrets). `mode` are permission bits. */
  | {
      readonly kind: 'secret'
      readonly data: Uint8Array
      readonly target: string
      readonly uid: number
      readonly gid: number
      readonly mode: number
    }

/** Limits per container; times in microseconds, sizes in bytes. */
export interface ResourceLimits {
  readonly memory?: number
  readonly memorySwap?: number
  readonly cpuShares?: number
  readonly cpuPeriod?: number
  readonly cpuQuota?: number
  readonly cpusetCpus?: string
  readonly cpusetMems?: string
}

/** Size of a terminal in characters. */
export interface TerminalSize {
  readonly rows: number
  readonly columns: number
}

/** What a process gets. Bytes written by the process go to `stdout`/`stderr` as they come. */
export interface ProcessStdio {
  /** Absent: the process reads nothing (with a terminal: waits for input that never comes). */
  readonly stdin?: AsyncIterable<Uint8Array>
  readonly stdout: (chunk: Uint8Array) => void
  readonly stderr: (chunk: Uint8Array) => void
  /** A terminal of this size instead of pipes (gateway containers); everything comes through `stdout` then. */
  readonly tty?: TerminalSize
}

/** One process of a container. `user` is resolved already (names need the rootfs, which the caller can read). */
export interface ProcessSpec {
  readonly args: readonly string[]
  /** `NAME=value` */
  readonly env: readonly string[]
  /** Made where it is missing, owned by `user`. */
  readonly cwd: string
  readonly user: { readonly uid: number; readonly gid: number; readonly groups: readonly number[] }
}

/** A container: one root, its mounts, and the rules it runs under. */
export interface ContainerSpec {
  /** Unique; lower-case letters and digits. */
  readonly id: string
  readonly root: TreeSource
  readonly readonlyRoot: boolean
  readonly mounts: readonly ContainerMount[]
  readonly process: ProcessSpec
  readonly platform?: Platform
  readonly network: 'default' | 'host' | 'none'
  /** Nothing is reached but by a proxy, which is on the network of that mode. */
  readonly proxy?: ProxySettings
  readonly security: 'sandbox' | 'insecure'
  readonly hostname?: string
  readonly extraHosts: readonly { readonly host: string; readonly ip: string }[]
  readonly ulimits: readonly { readonly name: string; readonly soft: number; readonly hard: number }[]
  readonly cgroupParent?: string
  readonly resources?: ResourceLimits
  /** /dev/shm in bytes; default 64 MiB. */
  readonly shmSize?: number
  /** CDI devices to inject: `vendor.com/class=name`, a kind, a class. */
  readonly cdiDevices?: readonly { readonly name: string; readonly optional: boolean }[]
}

/** How a process ended. A process killed by a signal has exit code 128 + signal. */
export interface ExitStatus {
  readonly code: number
  /** The kernel killed a process of the container for want of memory. */
  readonly oomKilled?: boolean
  /** What the user can do about it, for the error that the caller makes of this status. */
  readonly hint?: string
}

/** A running container with more than one process (gateway containers). Disposing kills what still runs. */
export interface RunningContainer extends AsyncDisposable {
  readonly exit: Promise<ExitStatus>
  /** Aborting kills the process. */
  exec(process: ProcessSpec, stdio: ProcessStdio, signal?: AbortSignal): Promise<RunningProcess>
  /** Sends a signal (`SIGTERM`, `TERM`) to the first process. */
  signal(name: string): Promise<void>
  /** Changes the terminal's size; without one it does nothing. */
  resize(size: TerminalSize): Promise<void>
}

/** One further process in a container. */
export interface RunningProcess {
  readonly exit: Promise<ExitStatus>
  signal(name: string): Promise<void>
  resize(size: TerminalSize): Promise<void>
}

/**
 * Runs containers through an OCI runtime. Mounts exist only in the runtime's own mount namespace, so a killed process
 * leaves none behind. Aborting kills the container and resolves only after it is gone. Mount points that had to be made
 * in the root are gone afterwards, unless something was written into them.
 */
export interface Executor {
  /** How containers of network mode `default` are connected (worker label `network`). */
  readonly networkMode: 'host' | 'cni'
  /**
   * Runs to the end. A failing process is no error but an exit status. Throws `failed-precondition` with a hint where no
   * runtime is installed or the container cannot be set up, `not-found` where a mount's `subpath` is missing, and
   * `canceled` after an abort.
   */
  run(container: ContainerSpec, stdio: ProcessStdio, signal?: AbortSignal): Promise<ExitStatus>
  /** Starts and leaves it running; resolves when the first process runs, or has ended. Aborting kills it. */
  start(container: ContainerSpec, stdio: ProcessStdio, signal?: AbortSignal): Promise<RunningContainer>
}
