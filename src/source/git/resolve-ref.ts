import { SlipwayError, wrapError } from '../../errors/slipway-error.ts'
import type { Git } from './git-command.ts'
import { type GitIdentifier, isCommitSha, shownRemote } from './git-identifier.ts'

/** Where a ref is now. */
export interface ResolvedRef {
  /** Full name (`refs/heads/main`), or a commit. */
  readonly name: string
  /** The ref as users write it: what was asked for, or the name of the default branch. */
  readonly asked: string
  /** Name of the object: a commit, or the tag object of an annotated tag. */
  readonly object: string
  /** The commit of an annotated tag. */
  readonly tagged?: string
}

/**
 * What is known without asking the remote; undefined where it has to be asked. Throws `invalid-argument` for checksums that
 * cannot be right.
 */
export function knownRef(identifier: GitIdentifier): ResolvedRef | undefined {
  const { ref, checksum, fetchByCommit, bundle } = identifier
  if (checksum !== undefined && !/^[a-fA-F0-9]+$/.test(checksum)) {
    throw new SlipwayError(
      'invalid-argument',
      `invalid checksum ${checksum} for Git URL, expected hex commit hash`,
    )
  }
  if (isCommitSha(ref)) {
    if (checksum !== undefined && !ref.startsWith(checksum)) throw mismatch(checksum, ref)
    return { name: ref, asked: ref, object: ref }
  }
  if (bundle !== undefined && ref === '' && checksum !== undefined)
    return { name: checksum, asked: checksum, object: checksum }
  if (!fetchByCommit) return undefined
  if (checksum === undefined) {
    throw new SlipwayError('invalid-argument', 'fetch-by-commit requires a checksum or a commit SHA ref')
  }
  if (!isCommitSha(checksum)) {
    throw new SlipwayError(
      'invalid-argument',
      `fetch-by-commit requires a full commit SHA checksum, got ${JSON.stringify(checksum)}`,
    )
  }
  const name = ref === '' ? checksum : ref.startsWith('refs/') ? ref : `refs/heads/${ref}`
  return { name, asked: name, object: checksum }
}

/**
 * Asks a remote where a ref is. Branches go before tags. Throws `not-found` (`repository does not contain ref x`) and
 * `data-loss` where the checksum is another.
 */
export async function askRef(git: Git, identifier: GitIdentifier): Promise<ResolvedRef> {
  const { remote, checksum } = identifier
  const ref = identifier.ref === '' ? await defaultBranch(git, remote) : identifier.ref
  let output: string
  try {
    output = await git.run(['ls-remote', '--', remote, ref, `${ref}^{}`])
  } catch (e) {
    throw wrapError(`failed to fetch remote ${shownRemote(remote)}`, e)
  }
  const found = pick(ref, output)
  if (found === undefined) {
    throw new SlipwayError(
      'not-found',
      `repository does not contain ref ${ref}, output: ${JSON.stringify(output)}`,
    )
  }
  if (
    checksum !== undefined &&
    !found.object.startsWith(checksum) &&
    found.tagged?.startsWith(checksum) !== true
  ) {
    throw mismatch(checksum, [found.object, found.tagged].filter(Boolean).join(' or '))
  }
  return found
}

/** Chooses among the lines of ls-remote, which also names refs that only end alike. */
function pick(ref: string, output: string): ResolvedRef | undefined {
  const objects = new Map<string, string>()
  for (const line of output.split('\n')) {
    const [object = '', name = ''] = line.split('\t')
    if (isCommitSha(object)) objects.set(name, object)
  }
  const full = `refs/${ref.replace(/^refs\//, '')}`
  const head = `refs/heads/${ref.replace(/^refs\/heads\//, '')}`
  const tag = `refs/tags/${ref.replace(/^refs\/tags\//, '')}`
  for (const name of [full, head, tag]) {
    const object = objects.get(name)
    if (object === undefined) continue
    const tagged = name === tag ? objects.get(`${tag}^{}`) : undefined
    return { name, asked: ref, object, ...(tagged === undefined ? {} : { tagged }) }
  }
  return undefined
}

async function defaultBranch(git: Git, remote: string): Promise<string> {
  let output: string
  try {
    output = await git.run(['ls-remote', '--symref', '--', remote, 'HEAD'])
  } catch (e) {
    throw wrapError(`error fetching default branch for repository ${shownRemote(remote)}`, e)
  }
  const name = /refs\/heads\/(\S+)/.exec(output)?.[1]
  if (name === undefined) {
    throw new SlipwayError(
      'not-found',
      `could not find default branch for repository: ${shownRemote(remote)}`,
    )
  }
  if (name.startsWith('-'))
    throw new SlipwayError('invalid-argument', `invalid git ref ${JSON.stringify(name)}`)
  return name
}

function mismatch(checksum: string, got: string): SlipwayError {
  return new SlipwayError('data-loss', `expected checksum to match ${checksum}, got ${got}`)
}
