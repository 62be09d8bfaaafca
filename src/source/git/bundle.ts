import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, open, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SlipwayError, wrapError } from '../../errors/slipway-error.ts'
import type { Digest } from '../../oci/digest.ts'
import type { Reference } from '../../oci/reference.ts'
import type { ClientStore } from '../image/resolve-image.ts'
import type { SourceContext } from '../source-context.ts'
import type { Git } from './git-command.ts'
import { isCommitSha } from './git-identifier.ts'
import type { GitRepository } from './git-repository.ts'
import type { ResolvedRef } from './resolve-ref.ts'

/** A file of `git bundle`, kept as a blob, that stands for a remote. */
export interface GitBundle {
  /** As messages show it. */
  readonly locator: string
  readonly reference: Reference
  readonly digest: Digest
  /** The layout of a client that it is in; undefined for registries. */
  readonly store?: ClientStore
}

/** Brings blobs. */
export type FetchBundle = (bundle: GitBundle, ctx: SourceContext) => AsyncIterable<Uint8Array>

/** Name of the file that a checkout as a bundle makes. */
const bundleFile = 'bundle'

/**
 * Makes a bare repository of a bundle, with the refs that are in it. It is ours alone, so that a bundle can change nothing
 * that was fetched from elsewhere. Throws `data-loss` for other bytes, `not-found` where `commit` is not in it.
 */
export async function openBundle(
  bundle: GitBundle,
  commit: string,
  fetch: FetchBundle,
  git: Git,
  ctx: SourceContext,
): Promise<GitRepository & AsyncDisposable> {
  await using opening = new AsyncDisposableStack()
  const directory = await mkdtemp(join(tmpdir(), 'slipway-bundle-'))
  opening.defer(() => rm(directory, { recursive: true, force: true }))
  const file = join(directory, 'file')
  await save(bundle, file, fetch, ctx)
  const path = join(directory, 'repository')
  await mkdir(path, { mode: 0o700 })
  const place = { gitDir: path }
  await git.run(['init', '--bare', ...(await formatOf(file, git))], place)
  await git.run(['config', 'uploadpack.allowAnySHA1InWant', 'true'], place)
  await git.run(['fetch', file, '+refs/*:refs/*'], place).catch((e: unknown) => {
    throw wrapError(`failed to import git bundle ${bundle.locator} into temp`, e)
  })
  await git.run(['cat-file', '-e', `${commit}^{commit}`], place).catch((e: unknown) => {
    const what = `commit ${commit} not found in bundle ${bundle.locator}`
    throw new SlipwayError('not-found', what, { cause: e })
  })
  const opened = opening.move()
  return { path, [Symbol.dispose]() {}, [Symbol.asyncDispose]: () => opened.disposeAsync() }
}

async function save(bundle: GitBundle, path: string, fetch: FetchBundle, ctx: SourceContext): Promise<void> {
  const hash = createHash('sha256')
  const file = await open(path, 'wx', 0o600)
  try {
    for await (const chunk of fetch(bundle, ctx)) {
      hash.update(chunk)
      await file.writeFile(chunk)
    }
  } catch (e) {
    throw wrapError(`failed to fetch git bundle ${bundle.locator}`, e)
  } finally {
    await file.close()
  }
  const got = `sha256:${hash.digest('hex')}`
  if (got === bundle.digest) return
  throw new SlipwayError('data-loss', `expected checksum to match ${bundle.digest}, got ${got}`)
}

/** Arguments for a repository with the kind of names that a bundle has. */
async function formatOf(file: string, git: Git): Promise<readonly string[]> {
  const output = await git.run(['ls-remote', '--', file])
  const [object = ''] = output.split(/\s/, 1)
  if (!isCommitSha(object))
    throw new SlipwayError('invalid-argument', 'failed to inspect git bundle: no refs found')
  return object.length === 64 ? ['--object-format=sha256'] : []
}

/** Writes a bundle with one ref and all that leads to it into the directory `target`. */
export async function writeBundle(
  repository: string,
  ref: ResolvedRef,
  target: string,
  git: Git,
): Promise<void> {
  const directory = await mkdtemp(join(target, '.bundle-'))
  try {
    const name = bundleRef(ref.asked)
    const object = name.startsWith('refs/heads/') ? (ref.tagged ?? ref.object) : ref.object
    const place = { gitDir: directory }
    await git.run(['init', '--bare', ...(object.length === 64 ? ['--object-format=sha256'] : [])], place)
    await git.run(['fetch', `file://${repository}`, '--', object], place)
    await git.run(['update-ref', name, object], place)
    const file = join(directory, 'out.bundle')
    await git.run(['bundle', 'create', file, name], place)
    await rename(file, join(target, bundleFile))
  } catch (e) {
    throw wrapError(`failed to create git bundle for ${ref.object}`, e)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

/** The ref that a bundle carries: tags by their full name, else a branch; commits need one too. */
function bundleRef(asked: string): string {
  if (asked === '' || isCommitSha(asked)) return 'refs/heads/main'
  return asked.startsWith('refs/tags/')
    ? asked
    : `refs/heads/${asked.replace(/^refs\//, '').replace(/^heads\//, '')}`
}
