import type { Database } from '../../content/database.ts'
import type { Ref } from '../../snapshot/ref.ts'
import type { Snapshotter } from '../../snapshot/snapshotter.ts'
import { SingleFlight } from '../../async/single-flight.ts'
import type { SessionStore } from '../../session/session.ts'
import { type FetchBundle, openBundle, writeBundle } from './bundle.ts'
import { SessionMemo } from '../session-memo.ts'
import type { SourceContext } from '../source-context.ts'
import { checkout } from './checkout.ts'
import { type GitSecrets, openAccess } from './git-access.ts'
import type { Git } from './git-command.ts'
import { type GitIdentifier, isCommitSha, shownRemote } from './git-identifier.ts'
import { openRepository } from './git-repository.ts'
import { verifyGitSignature } from './verify-signature.ts'
import { askRef, knownRef, type ResolvedRef } from './resolve-ref.ts'

const statements = ['CREATE TABLE git_trees (key TEXT PRIMARY KEY, layer TEXT NOT NULL) WITHOUT ROWID']

/** What the git source is made of. */
export interface GitServices extends GitSecrets {
  /** Directory of the kept repositories. */
  readonly root: string
  readonly database: Database
  readonly snapshotter: Snapshotter
  /** What git may see of the environment: PATH, proxies. */
  readonly env: Readonly<Record<string, string>>
  readonly sessions: SessionStore
  readonly fetchBundle: FetchBundle
  /** Keeps a layer as long as builds run. */
  readonly hold: (layer: string) => void
}

/** Objects of a commit as they are in the repository. */
export interface GitObjects {
  readonly commit: Uint8Array
  /** Of an annotated tag. */
  readonly tag?: Uint8Array
  /** Name of the commit, where the ref is a tag object. */
  readonly tagged?: string
}

/** Files of git repositories. A repository is kept between builds, so that only what is new is fetched. */
export class GitSource {
  readonly #services: GitServices
  readonly #resolved: SessionMemo<ResolvedRef>
  readonly #checkouts = new SingleFlight<string, string>()

  constructor(services: GitServices) {
    this.#services = services
    this.#resolved = new SessionMemo(services.sessions)
    services.database.migrate('git-source', statements)
  }

  /** Finds the commit that is meant, asking the remote where it has to be. See `knownRef` and `askRef` for failures. */
  async resolve(identifier: GitIdentifier, ctx: SourceContext): Promise<ResolvedRef> {
    const known = knownRef(identifier)
    if (known !== undefined) return known
    const { remote, ref, checksum, bundle } = identifier
    return this.#resolved.get(JSON.stringify([remote, ref, checksum, bundle?.digest]), ctx, async () => {
      await using access = await openAccess(identifier, this.#services.env, this.#services, ctx)
      if (bundle === undefined) return await askRef(access.git, identifier)
      await using staged = await openBundle(
        bundle,
        checksum ?? '',
        this.#services.fetchBundle,
        access.git,
        ctx,
      )
      return await askRef(access.git, { ...identifier, remote: `file://${staged.path}` })
    })
  }

  /** Key of the tree. Equal to BuildKit's: https://github.com/moby/buildkit/blob/v0.32.2/source/git/source.go */
  key(identifier: GitIdentifier, ref: ResolvedRef): string {
    const { keepGitDir, subdir, skipSubmodules, mtime, asBundle } = identifier
    const commit = isCommitSha(ref.name) ? ref.name : keepGitDir ? ref.object : (ref.tagged ?? ref.object)
    return [
      commit,
      keepGitDir ? `.git#${ref.name}` : '',
      subdir === '' ? '' : `:${subdir}`,
      skipSubmodules ? '(skip-submodules)' : '',
      mtime === 'commit' ? '(mtime=commit)' : '',
      asBundle ? '(bundle)' : '',
    ].join('')
  }

  /** The files. Throws with git's words. */
  async tree(identifier: GitIdentifier, ref: ResolvedRef, ctx: SourceContext): Promise<Ref> {
    const key = this.key(identifier, ref)
    const layer =
      (await this.#known(key)) ??
      (await this.#checkouts.run(
        key,
        signal =>
          this.#checkout(key, identifier, ref, {
            signal,
            progress: ctx.progress,
            sessions: () => ctx.sessions(),
          }),
        {
          signal: ctx.signal,
        },
      ))
    this.#services.hold(layer)
    return { kind: 'stack', layers: [{ kind: 'layer', id: layer }] }
  }

  /** Checks the signature that is wanted. Throws as `verifyGitSignature`. */
  async verify(identifier: GitIdentifier, ref: ResolvedRef, ctx: SourceContext): Promise<void> {
    if (identifier.signature === undefined) return
    const { commit, tag, tagged = ref.object } = await this.objects(identifier, ref, ctx)
    const objects = { commit, commitName: tagged, ...(tag === undefined ? {} : { tag, tagName: ref.object }) }
    verifyGitSignature(objects, identifier.signature, Date.now() / 1000)
  }

  /** The commit and its tag themselves. */
  async objects(identifier: GitIdentifier, ref: ResolvedRef, ctx: SourceContext): Promise<GitObjects> {
    const { env } = this.#services
    await using access = await openAccess(identifier, env, this.#services, ctx)
    const { git } = access
    await using repository = await this.#repository(identifier, ref, git, ctx)
    const place = { gitDir: repository.path }
    const read = (type: string, object: string): Promise<Uint8Array> =>
      git.bytes(['cat-file', type, object], place)
    const type = (await git.run(['cat-file', '-t', ref.object], place)).trim()
    if (type !== 'tag') return { commit: await read('commit', ref.object) }
    const tagged = (await git.run(['rev-parse', `${ref.object}^{commit}`], place)).trim()
    return { commit: await read('commit', tagged), tag: await read('tag', ref.object), tagged }
  }

  async #checkout(
    key: string,
    identifier: GitIdentifier,
    ref: ResolvedRef,
    ctx: SourceContext,
  ): Promise<string> {
    const { env, snapshotter, database } = this.#services
    await using access = await openAccess(identifier, env, this.#services, ctx)
    const { git } = access
    await using repository = await this.#repository(identifier, ref, git, ctx)
    await using active = await snapshotter.prepare([], {
      description: `git snapshot for ${shownRemote(identifier.remote)}#${ref.asked}`,
      recordType: 'source.git.checkout',
    })
    if (identifier.asBundle) await writeBundle(repository.path, ref, active.upper, git)
    else await checkout({ identifier, ref, repository: repository.path, target: active.upper, git })
    const { id } = await active.commit()
    database.prepare('INSERT OR REPLACE INTO git_trees VALUES (?, ?)').run(key, id)
    return id
  }

  async #repository(
    identifier: GitIdentifier,
    ref: ResolvedRef,
    git: Git,
    ctx: SourceContext,
  ): Promise<{ readonly path: string } & AsyncDisposable> {
    const { bundle } = identifier
    const { root, fetchBundle } = this.#services
    if (bundle !== undefined) return openBundle(bundle, ref.object, fetchBundle, git, ctx)
    const repository = await openRepository(root, identifier, ref, git, ctx.signal)
    return { path: repository.path, [Symbol.asyncDispose]: async () => repository[Symbol.dispose]() }
  }

  async #known(key: string): Promise<string | undefined> {
    const row = this.#services.database.prepare('SELECT layer FROM git_trees WHERE key = ?').get(key)
    if (row === undefined) return undefined
    const layer = String(row['layer'])
    return this.#services.snapshotter.get(layer).then(
      () => layer,
      () => undefined,
    )
  }
}
