import { posix } from 'node:path'
import { encodeName } from '../../bytes/path-string.ts'
import type { CopyAction, Owner } from '../../llb/file-action.ts'
import { sourcePath } from '../../llb/file.ts'
import { git } from '../../llb/git-source.ts'
import { http } from '../../llb/http-source.ts'
import { joinPath } from '../../llb/join-path.ts'
import type { State } from '../../llb/state.ts'
import { readChecksum } from './checksum.ts'
import { invalid } from '../instructions/argument-error.ts'
import type { AddInstruction, CopyInstruction } from '../instructions/copy.ts'
import { quote } from '../../gostd/quote.ts'
import type { Linter } from '../linter/linter.ts'
import { type GitRef, parseGitRef } from '../git/git-ref.ts'
import { commandKey } from './context.ts'
import { contextPath } from './paths.ts'
import { inlineFile } from './run.ts'

/** What COPY or ADD is to do, paths and owner resolved. */
export interface CopyPlan {
  readonly instruction: AddInstruction | CopyInstruction
  /** Operating system of the image: paths of Windows are written otherwise. */
  readonly os: string
  /** Where local sources come from. */
  readonly tree: State
  /** Absolute; ends in `/` where it is a directory. */
  readonly destination: string
  readonly owner: Owner | undefined
  readonly mode: number | string | undefined
  readonly linter: Linter
}

/** The copies, one for each source. `name` is that of the step. Throws `invalid-argument`. */
export function copyActions(plan: CopyPlan, name: string): CopyAction[] {
  checkChecksum(plan.instruction)
  let { checksum, keepGitDir } = remoteOptions(plan.instruction)
  const actions: CopyAction[] = []
  for (const source of plan.instruction.sources) {
    const ref = gitRefOf(source)
    if (ref !== undefined) {
      const merged = mergeGitOptions(plan, ref, checksum, keepGitDir)
      checksum = merged.checksum
      keepGitDir = merged.keepGitDir
      actions.push(gitCopy(plan, ref, merged, name))
    } else if (/^https?:\/\//.test(source)) actions.push(httpCopy(plan, source, checksum, name))
    else actions.push(localCopy(plan, source))
  }
  return [...actions, ...plan.instruction.inline.map(document => inlineCopy(plan, document))]
}

/** Tells a Git or web source from a path. */
export function isRemoteSource(source: string): boolean {
  return gitRefOf(source) !== undefined || /^https?:\/\//.test(source)
}

function gitRefOf(source: string): GitRef | undefined {
  const found = parseGitRef(source)
  return found === undefined || found.looksLocal ? undefined : found
}

function remoteOptions(instruction: AddInstruction | CopyInstruction) {
  return instruction.kind === 'add'
    ? { checksum: instruction.checksum, keepGitDir: instruction.keepGitDir }
    : { checksum: '', keepGitDir: undefined }
}

function checkChecksum(instruction: AddInstruction | CopyInstruction): void {
  if (instruction.kind !== 'add' || instruction.checksum === '') return
  const [source, ...more] = instruction.sources
  if (source === undefined || more.length > 0)
    throw invalid("checksum can't be specified for multiple sources")
  if (!isRemoteSource(source)) throw invalid('checksum requires HTTP(S) or Git sources')
}

interface GitChoice {
  readonly checksum: string
  readonly keepGitDir: boolean | undefined
}

function mergeGitOptions(
  plan: CopyPlan,
  ref: GitRef,
  checksum: string,
  keepGitDir: boolean | undefined,
): GitChoice {
  if (plan.instruction.kind !== 'add') throw invalid("source can't be a git ref for COPY")
  if (keepGitDir !== undefined && ref.keepGitDir !== undefined && keepGitDir !== ref.keepGitDir) {
    throw invalid('inconsistent keep-git-dir configuration')
  }
  if (checksum !== '' && ref.checksum !== '' && checksum !== ref.checksum) {
    throw invalid(`checksum mismatch ${quote(checksum)} != ${quote(ref.checksum)}`)
  }
  return { checksum: ref.checksum || checksum, keepGitDir: ref.keepGitDir ?? keepGitDir }
}

function gitCopy(plan: CopyPlan, ref: GitRef, choice: GitChoice, name: string): CopyAction {
  const tree = git(ref.remote, {
    name,
    ref: ref.ref,
    subdir: ref.subdir,
    checksum: choice.checksum,
    keepGitDir: choice.keepGitDir ?? false,
    skipSubmodules: ref.submodules === false,
    fetchByCommit: ref.fetchByCommit,
  })
  return copyOf(plan, tree, '/', { createDestination: true })
}

/** A download is not unpacked unless asked for. */
function httpCopy(plan: CopyPlan, url: string, checksum: string, name: string): CopyAction {
  if (plan.instruction.kind !== 'add') throw invalid("source can't be a URL for COPY")
  const filename = downloadName(url)
  const tree = http(url, {
    filename,
    checksum: checksum === '' ? undefined : readChecksum(checksum),
    name,
    description: { [commandKey]: '' },
  })
  const unpack = plan.instruction.unpack ?? false
  return copyOf(plan, tree, filename, { createDestination: true, unpack })
}

/** The file name of a URL; a fixed one where its path has none. */
export function downloadName(url: string): string {
  const path = /^[^:]+:\/\/[^/?#]*([^?#]*)/.exec(url)?.[1] ?? ''
  let base = posix.basename(path)
  try {
    base = posix.basename(decodeURIComponent(path))
  } catch {
    return '__unnamed__'
  }
  return base === '' || base === '.' || base === '/' ? '__unnamed__' : base
}

function localCopy(plan: CopyPlan, source: string): CopyAction {
  const { instruction, os } = plan
  const isAdd = instruction.kind === 'add'
  const { path, include, required } =
    !isAdd && instruction.parents ? splitParents(source, os) : { path: source }
  return copyOf(plan, plan.tree, contextPath(path, os), {
    followSymlinks: true,
    contentsOnly: true,
    include: include ?? [],
    required: required ?? [],
    unpack: isAdd ? (instruction.unpack ?? true) : false,
    createDestination: true,
    allowWildcard: true,
    allowEmptyWildcard: true,
  })
}

/** `--parents`: the path up to `/./` is left out of the destination; the rest becomes a pattern. */
function splitParents(source: string, os: string): { path: string; include: string[]; required: string[] } {
  const at = source.indexOf('/./')
  const path = at < 0 ? '/' : source.slice(0, at)
  const pattern = contextPath(at < 0 ? source : source.slice(at + 3), os)
  const isExact = !hasWildcard(path) && !hasWildcard(pattern)
  const required = isExact ? [contextPath(joinPath(path, pattern), os)] : []
  return { path, include: [pattern.replace(/^\//, '')], required }
}

function hasWildcard(text: string): boolean {
  return /[*?[]/.test(text.replace(/\\[^]/g, ''))
}

function inlineCopy(plan: CopyPlan, document: { name: string; content: string }): CopyAction {
  const tree = inlineFile(document.name, encodeName(document.content), 0o644)
  return copyOf(plan, tree, document.name, { createDestination: true })
}

function copyOf(
  plan: CopyPlan,
  tree: State,
  path: string,
  options: Omit<CopyAction, 'kind' | 'from' | 'source' | 'destination'>,
): CopyAction {
  return {
    kind: 'copy',
    from: tree.output,
    source: sourcePath(tree, path),
    destination: plan.destination,
    owner: plan.owner,
    mode: plan.mode,
    exclude: plan.instruction.excludes,
    ...options,
  }
}
