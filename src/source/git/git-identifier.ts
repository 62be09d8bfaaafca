import type { GitBundle } from './bundle.ts'
import type { SignatureWish } from './verify-signature.ts'

/** A repository as a source of a build: what of it, and how it is reached. */
export interface GitIdentifier {
  /** What git is called with. */
  readonly remote: string
  /** Branch, tag, full ref name or commit; empty for the default branch. */
  readonly ref: string
  /** Only this directory; empty for all. */
  readonly subdir: string
  /** The commit that the ref must be at, or the beginning of its name. */
  readonly checksum?: string
  readonly keepGitDir: boolean
  readonly skipSubmodules: boolean
  /** Take the checksum as the commit to fetch, without asking where the ref is. */
  readonly fetchByCommit: boolean
  /** Times of the files. */
  readonly mtime: 'checkout' | 'commit'
  /** Ids of secrets. A secret of that id with `.<host>` behind it goes first. */
  readonly authTokenSecret?: string
  readonly authHeaderSecret?: string
  /** Lines of known_hosts; without them no host key is checked. */
  readonly knownSshHosts?: string
  /** Id of the client's agent. */
  readonly sshSocket?: string
  /** Stands for the remote: nothing is fetched from there. Comes with a checksum. */
  readonly bundle?: GitBundle
  /** Instead of the files, a file `bundle` of `git bundle` with the commit and all that led to it. */
  readonly asBundle: boolean
  /** Who must have signed the commit or its tag. */
  readonly signature?: SignatureWish
}

/** Whether a text is the whole name of an object, of either hash. */
export function isCommitSha(text: string): boolean {
  return /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(text)
}

/** `remote` as it may be shown: names and passwords in it are masked. */
export function shownRemote(remote: string): string {
  return remote.replace(/^([a-zA-Z0-9+.-]+:\/\/)([^/@]*)@/, (_whole, scheme: string, user: string) =>
    user.includes(':') ? `${scheme}xxxxx:xxxxx@` : `${scheme}xxxxx@`,
  )
}
