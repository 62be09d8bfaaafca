import { cleanPath, directoryName } from '../hcl/functions/text.ts'
import { isRemoteUrl } from './remote-url.ts'
import type { PathBases, Target } from './target.ts'

/** The folder of a local definition file; `undefined` for standard input and remote ones. */
export function fileFolder(name: string): string | undefined {
  return name === '' || name === '-' || isRemoteUrl(name) ? undefined : directoryName(name)
}

/** A relative context path put behind the folder of the file it was written in. */
export function rebasePath(folder: string | undefined, path: string): string {
  if (folder === undefined || folder === '' || path === '' || path.startsWith('/') || isSpecialContext(path))
    return path
  return cleanPath(`${folder}/${path}`)
}

/** Tells whether a context value is no plain path. */
export function isSpecialContext(path: string): boolean {
  return /^(?:cwd:\/\/|target:|docker-image:|oci-layout:\/\/)/.test(path) || isRemoteUrl(path)
}

/** The targets with their context paths relative to the files (BUILDX_BAKE_FILE_RELATIVE_PATHS). */
export function rebaseTargets(targets: readonly Target[]): Target[] {
  const byName = new Map(targets.map(t => [t.name, t]))
  return targets.map(t => {
    const bases = t.bases
    if (bases === undefined) return t
    const contexts =
      t.contexts && new Map([...t.contexts].map(([k, v]) => [k, rebasePath(bases.contexts?.get(k), v)]))
    const folder = contextFolder(bases, byName)
    const context = t.context === undefined ? undefined : rebasePath(folder, t.context)
    return {
      ...t,
      ...(context === undefined ? {} : { context }),
      ...(contexts === undefined ? {} : { contexts }),
    }
  })
}

function contextFolder(bases: PathBases, targets: ReadonlyMap<string, Target>): string | undefined {
  const other = bases.contextOf === undefined ? undefined : targets.get(bases.contextOf)?.bases
  return other?.context ?? other?.byDefault ?? bases.context
}
