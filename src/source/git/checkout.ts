import { chmodSync, existsSync, lstatSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fsPath } from '../../bytes/path-string.ts'
import { SlipwayError, wrapError } from '../../errors/slipway-error.ts'
import { listNames } from '../../snapshot/list-names.ts'
import { setTimes } from '../../sys/times.ts'
import type { Git, GitPlace } from './git-command.ts'
import { type GitIdentifier, isCommitSha, shownRemote } from './git-identifier.ts'
import type { ResolvedRef } from './resolve-ref.ts'

/** What is checked out, and from where. */
export interface CheckoutRequest {
  readonly identifier: GitIdentifier
  readonly ref: ResolvedRef
  /** The bare repository that has the object. */
  readonly repository: string
  /** An empty directory that becomes the tree. */
  readonly target: string
  readonly git: Git
}

/** Fills a directory with the files of a commit. Throws as git says, `invalid-argument` for a subdirectory that is none. */
export async function checkout(request: CheckoutRequest): Promise<void> {
  const { identifier, target } = request
  const { subdir, keepGitDir } = identifier
  chmodSync(target, 0o755)
  if (keepGitDir && subdir === '') await checkoutWithGitDir(request)
  else if (subdir === '') await checkoutFiles(request, target)
  else {
    const whole = await mkdtemp(join(target, '.checkout-'))
    await checkoutFiles(request, whole)
    checkDirectories(whole, subdir)
    const from = join(whole, subdir)
    for (const name of readdirSync(from, { encoding: 'buffer' })) {
      renameSync(beneath(from, name), beneath(target, name))
    }
    await rm(whole, { recursive: true, force: true })
  }
  if (identifier.mtime === 'commit') await setCommitTimes(request)
}

const beneath = (directory: string, name: Buffer): Buffer =>
  Buffer.concat([Buffer.from(`${directory}/`), name])

/** The files alone. Git's own of this checkout live in a throw-away repository that borrows the objects. */
async function checkoutFiles(
  { identifier, ref, repository, git }: CheckoutRequest,
  target: string,
): Promise<void> {
  const gitDir = await mkdtemp(`${repository}.checkout-`)
  const shown = shownRemote(identifier.remote)
  try {
    await git.run(['init', '--bare', ...formatArgs(ref)], { gitDir })
    await mkdir(join(gitDir, 'objects', 'info'), { recursive: true })
    await writeFile(join(gitDir, 'objects', 'info', 'alternates'), `${join(repository, 'objects')}\n`)
    if (existsSync(join(repository, 'shallow')))
      await copyFile(join(repository, 'shallow'), join(gitDir, 'shallow'))
    await git.run(['remote', 'add', 'origin', identifier.remote], { gitDir })
    const place = { gitDir, workTree: target }
    await git.run(['checkout', '--no-overlay', ref.object, '--', '.'], place).catch((e: unknown) => {
      throw wrapError(`failed to checkout remote ${shown}`, e)
    })
    if (await updateSubmodules(identifier, git, place)) removeGitFiles(target)
  } finally {
    await rm(gitDir, { recursive: true, force: true })
  }
}

/** True where there are submodules. */
async function updateSubmodules(
  identifier: GitIdentifier,
  git: Git,
  place: GitPlace & { workTree: string },
): Promise<boolean> {
  if (identifier.skipSubmodules || !existsSync(join(place.workTree, '.gitmodules'))) return false
  try {
    await git.run(['submodule', 'update', '--init', '--recursive', '--depth=1'], place)
  } catch (e) {
    throw wrapError(`failed to update submodules for ${shownRemote(identifier.remote)}`, e)
  }
  return true
}

/** Submodules point with a file `.git` at repositories that are gone after the checkout. */
function removeGitFiles(directory: string): void {
  for (const { name, isDirectory } of listNames(directory)) {
    const path = `${directory}/${name}`
    if (isDirectory) removeGitFiles(path)
    else if (name === '.git') rmSync(fsPath(path))
  }
}

/** A clone of one commit, as if it came from the remote itself. */
async function checkoutWithGitDir({
  identifier,
  ref,
  repository,
  target,
  git,
}: CheckoutRequest): Promise<void> {
  const place = { gitDir: join(target, '.git'), workTree: target }
  const shown = shownRemote(identifier.remote)
  await git.run(['init', ...formatArgs(ref)], place)
  // By the file protocol: it copies nothing but objects, whatever the repository contains.
  await git.run(['remote', 'add', 'origin', `file://${repository}`], place)
  const local = localName(ref)
  await git.run(
    [
      'fetch',
      '-u',
      '--depth=1',
      // What else happens to be tagged in the kept repository is no part of the ref. A commit has no name but such tags.
      ...(local === undefined ? [] : ['--no-tags']),
      '--',
      'origin',
      local === undefined ? ref.object : `+${ref.object}:${local}`,
    ],
    place,
  )
  if (local !== undefined) await nameAsTag(ref, git, place)
  await git.run(['checkout', 'FETCH_HEAD'], place).catch((e: unknown) => {
    throw wrapError(`failed to checkout remote ${shown}`, e)
  })
  await git.run(['remote', 'set-url', 'origin', shown], place)
  await git.run(['reflog', 'expire', '--all', '--expire=now'], place)
  await rm(join(place.gitDir, 'FETCH_HEAD'), { force: true })
  await updateSubmodules(identifier, git, place)
}

/** BuildKit keeps refs of every kind as tags too, and so `git describe --tags` tells what was asked for. */
async function nameAsTag({ asked, object }: ResolvedRef, git: Git, place: GitPlace): Promise<void> {
  if (asked.startsWith('refs/tags/')) return
  await git.run(['update-ref', `refs/tags/${asked}`, object], place)
}

/** The ref that the clone gets: tags where they are annotated, else as git names what has no full name. */
function localName({ name, asked, tagged }: ResolvedRef): string | undefined {
  if (isCommitSha(name)) return undefined
  if (tagged !== undefined) return asked.startsWith('refs/tags/') ? asked : `refs/tags/${asked}`
  if (asked.startsWith('refs/')) return asked
  return /^(?:heads|tags|remotes)\//.test(asked) ? `refs/${asked}` : `refs/heads/${asked}`
}

const formatArgs = (ref: ResolvedRef): readonly string[] =>
  ref.object.length === 64 ? ['--object-format=sha256'] : []

/** A subdirectory is reached through directories only, never through links out of the tree. */
function checkDirectories(root: string, subdir: string): void {
  let path = ''
  for (const part of subdir.split('/')) {
    path = path === '' ? part : `${path}/${part}`
    const stat = lstatSync(fsPath(`${root}/${path}`), { throwIfNoEntry: false })
    if (stat === undefined) {
      throw new SlipwayError(
        'not-found',
        `invalid subdir ${subdir}: failed to lstat "${path}": statat ${path}: no such file or directory`,
      )
    }
    if (!stat.isDirectory()) {
      throw new SlipwayError(
        'invalid-argument',
        `invalid subdir ${subdir}: git subpath "${subdir}" contains non-directory "${path}"`,
      )
    }
  }
}

async function setCommitTimes({ identifier, ref, repository, target, git }: CheckoutRequest): Promise<void> {
  const output = await git.run(['log', '-1', '--format=%ct', `${ref.object}^{commit}`], {
    gitDir: repository,
  })
  const seconds = output.trim()
  if (!/^-?\d+$/.test(seconds)) {
    throw new SlipwayError(
      'data-loss',
      `failed to get commit time for ${shownRemote(identifier.remote)}: ${JSON.stringify(output)}`,
    )
  }
  setTreeTimes(target, BigInt(seconds) * 1_000_000_000n)
}

function setTreeTimes(directory: string, ns: bigint): void {
  for (const { name, isDirectory } of listNames(directory)) {
    const path = `${directory}/${name}`
    if (isDirectory) setTreeTimes(path, ns)
    else setTimes(path, ns, ns)
  }
  setTimes(directory, ns, ns)
}
