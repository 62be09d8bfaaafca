import { fragmentFormat, parseGitRef } from '../dockerfile/git/git-ref.ts'
import { git } from '../llb/git-source.ts'
import type { State } from '../llb/state.ts'

/**
 * A git repository as a graph; undefined for other addresses. `keepGitDir` counts where the address says nothing. Throws
 * `invalid-argument`.
 */
export function gitContext(url: string, keepGitDir = false): State | undefined {
  const ref = parseGitRef(url)
  if (ref === undefined) return undefined
  return git(ref.remote, {
    name: `[internal] load git source ${url}`,
    ref: ref.ref,
    subdir: ref.subdir,
    checksum: ref.checksum,
    keepGitDir: ref.keepGitDir ?? keepGitDir,
    skipSubmodules: ref.submodules === false,
    mtime: ref.mtime,
    fetchByCommit: ref.fetchByCommit,
  })
}

/** The address of a source for people: a git repository with its ref behind `#`, whatever form it was given in. */
export const sourceAddress = (url: string): string => fragmentFormat(url, false)

/** Whether an address is that of a git repository. */
export function isGitAddress(url: string): boolean {
  try {
    return parseGitRef(url) !== undefined
  } catch {
    return false
  }
}
