import { git } from '../../llb/git-source.ts'
import type { State } from '../../llb/state.ts'
import { parseGitRef } from './git-ref.ts'

/**
 * The repository that an address names, as a graph; undefined where it names something else. `.git` is kept where
 * `keepGitDir` or the address wants it; `mtime` counts where the address says nothing. Throws `invalid-argument`.
 * Source: https://github.com/moby/buildkit/blob/v0.32.2/frontend/dockerui/context.go, DetectGitContext
 */
export function gitState(text: string, keepGitDir = false, mtime = ''): State | undefined {
  const ref = parseGitRef(text)
  if (ref === undefined) return undefined
  return git(ref.remote, {
    name: `[internal] load git source ${text}`,
    ref: ref.ref,
    subdir: ref.subdir,
    checksum: ref.checksum,
    keepGitDir: keepGitDir || ref.keepGitDir === true,
    skipSubmodules: ref.submodules === false,
    mtime: ref.mtime || mtime,
    fetchByCommit: ref.fetchByCommit,
  })
}
