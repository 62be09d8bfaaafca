import { readdirSync, rmSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { makeDirectoriesSync } from '../bytes/make-directories.ts'
import { bootId, isAlive, processIdentity } from '../sys/process-identity.ts'

/**
 * Temporary directories of one container on disk: for what is written to a tree whose changes nobody keeps. They carry
 * the identity of the process, so that the next start finds what a killed one left.
 */
export class Scratch implements AsyncDisposable {
  readonly #directory: string
  #count = 0

  constructor(parent: string, id: string) {
    const owner = processIdentity()
    this.#directory = join(parent, `${owner?.pid ?? 0}-${owner?.startTime ?? 0}-${bootId()}-${id}`)
  }

  /** Makes another empty directory. */
  make(): string {
    const path = join(this.#directory, String(this.#count++))
    makeDirectoriesSync(path, 0o755)
    return path
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#count > 0) await rm(this.#directory, { recursive: true, force: true })
  }
}

/** Removes what killed processes left in `parent`. */
export function removeAbandonedScratch(parent: string): void {
  for (const name of readdirSync(parent)) {
    const found = /^(\d+)-(\d+)-([0-9a-f-]{36})-/.exec(name)
    if (found === null) continue
    const [, pid, startTime, boot] = found
    if (isAlive({ pid: Number(pid), startTime: Number(startTime), bootId: boot ?? '' })) continue
    rmSync(join(parent, name), { recursive: true, force: true })
  }
}
