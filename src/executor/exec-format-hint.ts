import type { Platform } from '../oci/descriptor.ts'
import { formatPlatform } from '../oci/platform.ts'

const kept = 4096

/**
 * Watches what a process and its runtime write to standard error, and knows afterwards whether the kernel could not run
 * a file: runc says `exec /bin/sh: exec format error`, older ones `exec user process caused "exec format error"`.
 */
export class ExecFormatWatch {
  #tail = Buffer.alloc(0)

  /** Takes the next bytes. */
  add(chunk: Uint8Array): void {
    this.#tail = Buffer.concat([this.#tail, chunk]).subarray(-kept)
  }

  /** What to do about it; undefined where nothing of the kind was said. `arch` is the machine's, in Go's words. */
  hint(platform: Platform | undefined, arch: string): string | undefined {
    const text = this.#tail.toString('latin1')
    if (!/exec format error/i.test(text)) return undefined
    if (platform === undefined || platform.architecture === arch) {
      return `a file that was to be run is no program for linux/${arch} (another architecture, or a script without "#!")`
    }
    const name = formatPlatform(platform)
    return `this machine cannot run programs for ${name}: register an emulator with \`slipway binfmt --install ${platform.architecture}\``
  }
}
