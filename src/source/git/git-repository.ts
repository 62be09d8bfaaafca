import { existsSync, readdirSync, rmSync } from 'node:fs'
import { mkdtemp, rename, rm } from 'node:fs/promises'
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { makeDirectories } from '../../bytes/make-directories.ts'
import { touchDirectoryRecord } from '../../content/directory-records.ts'
import { isSlipwayError, SlipwayError, wrapError } from '../../errors/slipway-error.ts'
import { lock } from '../../sys/file-lock.ts'
import type { Git } from './git-command.ts'
import { type GitIdentifier, isCommitSha, shownRemote } from './git-identifier.ts'
import type { ResolvedRef } from './resolve-ref.ts'

/** The kept copy of a remote, held by us alone until disposed. */
export interface GitRepository extends Disposable {
  /** A bare repository. */
  readonly path: string
}

/** Fetches that cannot go on top of what is there; a new copy can. */
const conflict =
  /\(would clobber existing tag\)|\(unable to update local ref\)|refname conflict|bad object|object file .* is empty/

/**
 * Opens the kept copy of a remote below `root` with the object that was asked for in it, fetching what is missing. Throws
 * `failed to fetch remote …` with git's words.
 */
export async function openRepository(
  root: string,
  identifier: GitIdentifier,
  ref: ResolvedRef,
  git: Git,
  signal: AbortSignal,
): Promise<GitRepository> {
  const format = ref.object.length === 64 ? 'sha256' : 'sha1'
  const key = createHash('sha256').update(`${format} ${identifier.remote}`).digest('hex').slice(0, 32)
  const path = join(root, key)
  await makeDirectories(root, 0o700)
  using stack = new DisposableStack()
  stack.use(await lock(`${path}.lock`, { signal }))
  removeRemains(root, key)
  await create(path, format, identifier.remote, git)
  try {
    await bring(path, identifier, ref, git)
  } catch (e) {
    if (!isSlipwayError(e) || !conflict.test(e.message)) throw e
    await rm(path, { recursive: true, force: true })
    await create(path, format, identifier.remote, git)
    await bring(path, identifier, ref, git)
  }
  touchDirectoryRecord(path, `shared git repo for ${shownRemote(identifier.remote)}`, Date.now())
  const held = stack.move()
  return { path, [Symbol.dispose]: () => held.dispose() }
}

/** A repository that appears at once or not at all. */
async function create(path: string, format: 'sha1' | 'sha256', remote: string, git: Git): Promise<void> {
  if (existsSync(path)) return removeStaleLocks(path)
  const fresh = await mkdtemp(`${path}.new-`)
  try {
    const place = { gitDir: fresh }
    await git.run(['init', '--bare', ...(format === 'sha256' ? ['--object-format=sha256'] : [])], place)
    await git.run(['config', 'uploadpack.allowAnySHA1InWant', 'true'], place)
    await git.run(['remote', 'add', 'origin', remote], place)
    await rename(fresh, path)
  } catch (e) {
    await rm(fresh, { recursive: true, force: true })
    throw wrapError(`failed to init repo for ${shownRemote(remote)}`, e)
  }
}

/** What processes left that were killed. */
function removeRemains(root: string, key: string): void {
  for (const name of readdirSync(root)) {
    if (name.startsWith(`${key}.new-`) || name.startsWith(`${key}.checkout-`)) {
      rmSync(join(root, name), { recursive: true, force: true })
    }
  }
}

/** We are alone here: locks that are left belong to a process that was killed. */
function removeStaleLocks(path: string): void {
  for (const name of readdirSync(path)) if (name.endsWith('.lock')) rmSync(join(path, name), { force: true })
  for (const name of readdirSync(join(path, 'refs'), { recursive: true, encoding: 'utf8' })) {
    if (name.endsWith('.lock')) rmSync(join(path, 'refs', name), { force: true })
  }
}

async function bring(path: string, identifier: GitIdentifier, ref: ResolvedRef, git: Git): Promise<void> {
  const place = { gitDir: path }
  const isCommit = isCommitSha(ref.name)
  const has = async (object: string): Promise<boolean> => {
    const found = await git.run(['cat-file', '-e', isCommit ? `${object}^{commit}` : object], place).then(
      () => true,
      e => !isSlipwayError(e) || e.code !== 'unknown',
    )
    return found
  }
  // What a ref stands for now is known by its object: nothing is fetched twice.
  const complete = identifier.asBundle
  const isMissing = async (): Promise<boolean> =>
    !(await has(ref.object)) || (complete && existsSync(join(path, 'shallow')))
  const show = (): Promise<unknown> => git.run(['rev-parse', ref.object], place)
  if (!(await isMissing())) return void (isCommit || (await show()))
  try {
    await git.run(['fetch', ...refspec(path, identifier, ref)], place)
    // A commit that is asked for by its name cannot have moved: if it is not there, the checkout says so.
    if ((isCommit && !complete) || !(await isMissing())) return void (await show())
    // The ref has moved on meanwhile.
    await git.run(['fetch', '--force', '--tags', ...unshallow(path), 'origin', ref.object], place)
  } catch (e) {
    throw wrapError(`failed to fetch remote ${shownRemote(identifier.remote)}`, e)
  }
  if (await has(ref.object)) return
  throw new SlipwayError(
    'not-found',
    `fetched ref ${ref.asked} does not match expected commit ${ref.object} and commit can not be found in the repository`,
  )
}

/** Refs are kept under names of our own, so that they cannot be in each other's way; they tell servers what is here. */
function refspec(path: string, identifier: GitIdentifier, ref: ResolvedRef): readonly string[] {
  const target = `refs/slipway/${createHash('sha256').update(ref.name).digest('hex').slice(0, 32)}`
  if (identifier.fetchByCommit) {
    return ['--depth=1', '--no-tags', 'origin', '--force', '--', `${ref.object}:${target}`]
  }
  // Nobody could use a bundle without the beginning of the history.
  if (identifier.asBundle) return ['--force', '--tags', ...unshallow(path), 'origin', `${ref.name}:${target}`]
  if (isCommitSha(ref.name)) return ['--force', '--tags', ...unshallow(path), 'origin', ref.object]
  return ['--depth=1', '--no-tags', 'origin', '--force', '--', `${ref.name}:${target}`]
}

const unshallow = (path: string): readonly string[] =>
  existsSync(join(path, 'shallow')) ? ['--unshallow'] : []
