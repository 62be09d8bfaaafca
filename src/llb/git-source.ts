import { capability } from './capability.ts'
import { type GitUrl, parseGitUrl } from './git-url.ts'
import { joinPath } from './join-path.ts'
import type { OpOptions } from './options.ts'
import { SourceBuilder } from './source.ts'
import { sourceAttribute } from './source-attribute.ts'
import type { State } from './state.ts'

/** Options of `git`. */
export interface GitOptions extends OpOptions {
  readonly ref?: string
  readonly subdir?: string
  readonly keepGitDir?: boolean
  /** Commit that the ref must be at, or the beginning of its name. */
  readonly checksum?: string
  readonly skipSubmodules?: boolean
  /** Time of files: of the checkout, or of the commit. */
  readonly mtime?: string
  /** Take the checksum as the commit to fetch, without asking where the ref is. */
  readonly fetchByCommit?: boolean
  readonly authTokenSecret?: string
  readonly authHeaderSecret?: string
  /** Lines of known_hosts. */
  readonly knownSshHosts?: string
  /** ID of the SSH agent. */
  readonly sshSocket?: string
}

/**
 * A Git repository. Equal hosts and paths give equal identifiers whatever the protocol, so that caches are shared. A
 * remote without a scheme is taken for https.
 */
export function git(remote: string, options: GitOptions = {}): State {
  const {
    ref = '',
    subdir = '',
    keepGitDir,
    checksum,
    skipSubmodules,
    mtime,
    fetchByCommit,
    ...more
  } = options
  const { authTokenSecret, authHeaderSecret, knownSshHosts, sshSocket, ...rest } = more
  const { url, text } = parseRemote(remote)
  const source = new SourceBuilder()
  source.need(capability.sourceGit)
  if (keepGitDir) source.set(sourceAttribute.keepGitDir, 'true', capability.sourceGitKeepDir)
  source.set(sourceAttribute.gitFullUrl, text, capability.sourceGitFullUrl)
  source.set(sourceAttribute.gitAuthTokenSecret, authTokenSecret ?? 'GIT_AUTH_TOKEN')
  source.set(sourceAttribute.gitAuthHeaderSecret, authHeaderSecret ?? 'GIT_AUTH_HEADER')
  if (authTokenSecret !== undefined || authHeaderSecret !== undefined)
    source.need(capability.sourceGitHttpAuth)
  if (url?.scheme === 'ssh') {
    source.set(sourceAttribute.gitKnownSshHosts, knownSshHosts)
    source.need(capability.sourceGitKnownSshHosts)
    source.set(sourceAttribute.gitMountSshSock, sshSocket ?? 'default', capability.sourceGitMountSshSock)
  }
  source.set(sourceAttribute.gitChecksum, checksum, capability.sourceGitChecksum)
  if (skipSubmodules) {
    source.set(sourceAttribute.gitSkipSubmodules, 'true', capability.sourceGitSkipSubmodules)
  }
  source.set(sourceAttribute.gitMtime, mtime, capability.sourceGitMtime)
  if (fetchByCommit) {
    source.set(sourceAttribute.gitFetchByCommit, 'true', capability.sourceGitFetchByCommit)
  }
  return source.build(`git://${identify(url, text, ref, subdir)}`, rest)
}

function parseRemote(remote: string): { url: GitUrl | undefined; text: string } {
  let parsed = parseGitUrl(remote)
  let text = remote
  if (parsed === 'unknown') {
    text = `https://${remote}`
    parsed = parseGitUrl(text)
  }
  return typeof parsed === 'string' ? { url: undefined, text } : { url: parsed, text: parsed.remote }
}

function identify(url: GitUrl | undefined, text: string, ref: string, subdir: string): string {
  if (url === undefined) return text
  const repository = url.host + joinPath('/', url.path)
  if (ref === '' && subdir === '') return repository
  return `${repository}#${ref}${subdir === '' ? '' : `:${subdir}`}`
}
