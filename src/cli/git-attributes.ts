import { execFile } from 'node:child_process'
import { realpathSync, type Stats, statSync } from 'node:fs'
import { dirname, isAbsolute, join, relative, resolve } from 'node:path'
import { asSlipwayError, SlipwayError } from '../errors/slipway-error.ts'
import { tryParseBool } from '../gostd/parse-number.ts'
import type { Host } from './host.ts'

/** What a build's records and labels are told of the repository that its context lies in. */
export interface GitQuestion {
  /** Context as given. */
  readonly context: string
  /** As given; empty for the default. */
  readonly dockerfile: string
  /** Directories that the build may ask for, by name. */
  readonly localDirs: Readonly<Record<string, string>>
  readonly signal: AbortSignal
  /** Told what could not be found out, a line. */
  readonly warn: (line: string) => void
}

/** Which of them are wanted: BUILDX_GIT_INFO (on unless switched off), BUILDX_GIT_LABELS. */
interface Wanted {
  readonly info: boolean
  readonly labels: boolean
  /** BUILDX_GIT_CHECK_DIRTY */
  readonly dirty: boolean
}

/**
 * Attributes of a build whose context is in a git work tree: `vcs:source`, `vcs:revision`, `vcs:localdir:NAME`, and labels
 * where BUILDX_GIT_LABELS asks for them. Nothing without git or outside of a work tree.
 * Behaviour: https://github.com/docker/buildx/blob/v0.36.1/build/git.go
 */
export async function gitAttributes(
  question: GitQuestion,
  host: Pick<Host, 'env' | 'cwd'>,
): Promise<Record<string, string>> {
  const wanted = wantedOf(host.env)
  const { context, warn, signal } = question
  if (context === '' || (!wanted.info && !wanted.labels)) return {}
  const directory = resolve(host.cwd, context)
  // Most contexts that are URLs, or `-`, name no directory here.
  if (statOf(directory)?.isDirectory() !== true) return {}
  if (host.env['GIT_DIR'] === undefined && !isInRepository(realpathSync(directory))) return {}
  const git = new Git(directory, host.env, signal)
  try {
    return await ask(git, directory, question, wanted, host.cwd)
  } catch (e) {
    if (signal.aborted) throw e
    warn(`current commit information was not captured by the build: ${asSlipwayError(e).message}`)
    return {}
  }
}

/** Whether it is worth starting git: a directory above, or this one, has a repository. */
function isInRepository(directory: string): boolean {
  if (statOf(join(directory, '.git')) !== undefined) return true
  const parent = dirname(directory)
  return parent !== directory && isInRepository(parent)
}

/** What is there; undefined also where looking is not allowed, which the build itself will tell of. */
function statOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false })
  } catch {
    return undefined
  }
}

function wantedOf(env: Host['env']): Wanted {
  const flag = (name: string): boolean | undefined => tryParseBool(env[name] ?? '')
  return {
    info: flag('BUILDX_GIT_INFO') ?? true,
    labels: env['BUILDX_GIT_LABELS'] === 'full' || flag('BUILDX_GIT_LABELS') === true,
    dirty: flag('BUILDX_GIT_CHECK_DIRTY') === true,
  }
}

async function ask(
  git: Git,
  directory: string,
  question: GitQuestion,
  wanted: Wanted,
  cwd: string,
): Promise<Record<string, string>> {
  const isRepository = statOf(join(directory, '.git'))?.isDirectory() === true
  const inside = await git.line('rev-parse', '--is-inside-work-tree').catch((e: unknown) => {
    if (isRepository && asSlipwayError(e).message.includes('ENOENT'))
      throw new SlipwayError('not-found', 'git was not found in the system')
    return ''
  })
  if (inside !== 'true') {
    const what = 'failed to read current commit information with git rev-parse --is-inside-work-tree'
    if (isRepository) throw new SlipwayError('unknown', what)
    return {}
  }
  const root = await git.line('rev-parse', '--show-toplevel')
  const attrs: Record<string, string> = {}
  const revision = await currentRevision(git, wanted.dirty)
  const remote = await remoteUrl(git)
  if (wanted.labels) {
    if (revision !== '') attrs['label:org.opencontainers.image.revision'] = revision
    if (remote !== '') attrs['label:org.opencontainers.image.source'] = remote
    const file = resolve(
      cwd,
      question.dockerfile === '' ? join(directory, 'Dockerfile') : question.dockerfile,
    )
    const way = within(root, file)
    if (way !== undefined) attrs['label:com.docker.image.source.entrypoint'] = way
  }
  if (!wanted.info) return attrs
  if (revision !== '') attrs['vcs:revision'] = revision
  if (remote !== '') attrs['vcs:source'] = remote
  for (const [name, path] of Object.entries(question.localDirs)) {
    const way = within(root, realpathSync(path))
    if (way !== undefined) attrs[`vcs:localdir:${name}`] = way
  }
  return attrs
}

async function currentRevision(git: Git, checkDirty: boolean): Promise<string> {
  const commit = await git.line('show', '--format=%H', 'HEAD', '--quiet', '--').catch((e: unknown) => {
    // A repository without a commit has no HEAD yet.
    if (/unknown revision|bad revision/i.test(asSlipwayError(e).message)) return ''
    throw e
  })
  if (commit === '' || !checkDirty) return commit
  const changes = await git.line('status', '--porcelain', '--ignored').catch(() => 'unknown')
  return changes === '' ? commit : `${commit}-dirty`
}

/** The remote that the branch follows, else `origin`, else `upstream`; without credentials. */
async function remoteUrl(git: Git): Promise<string> {
  const branch = await git.line('symbolic-ref', '-q', 'HEAD').catch(() => '')
  const followed =
    branch === ''
      ? ''
      : await git.line('for-each-ref', '--format=%(upstream:remotename)', branch).catch(() => '')
  for (const name of [followed, 'origin', 'upstream']) {
    const url = name === '' ? '' : await git.line('remote', 'get-url', name).catch(() => '')
    if (url !== '') return withoutCredentials(url)
  }
  return ''
}

function withoutCredentials(url: string): string {
  const parsed = URL.parse(url)
  if (parsed === null || (parsed.username === '' && parsed.password === '')) return url
  if (parsed.username !== '') parsed.username = 'xxxxx'
  if (parsed.password !== '') parsed.password = 'xxxxx'
  return parsed.href
}

/** The way from a directory to what lies in it; undefined for what does not. */
function within(root: string, path: string): string | undefined {
  const way = relative(root, path)
  return way.startsWith('..') || isAbsolute(way) ? undefined : way === '' ? '.' : way
}

class Git {
  readonly #directory: string
  readonly #env: Host['env']
  readonly #signal: AbortSignal

  constructor(directory: string, env: Host['env'], signal: AbortSignal) {
    this.#directory = directory
    this.#env = env
    this.#signal = signal
  }

  /** The first line that git prints. */
  line(...args: string[]): Promise<string> {
    const env = { ...this.#env, GIT_TERMINAL_PROMPT: '0', LC_ALL: 'C' }
    const options = { cwd: this.#directory, env, signal: this.#signal, maxBuffer: 16 << 20 }
    return new Promise((done, fail) => {
      execFile('git', ['-c', 'log.showSignature=false', ...args], options, (error, stdout, stderr) => {
        if (error === null) done((stdout.split('\n')[0] ?? '').replaceAll("'", ''))
        else fail(new SlipwayError('unknown', stderr.trim() || error.message, { cause: error }))
      })
    })
  }
}
