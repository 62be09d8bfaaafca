import { parseGitRef } from '../dockerfile/git/git-ref.ts'

/**
 * A Git URL as `remote#ref[:subdir]`, however it was written; undefined for what is none. Source:
 * https://github.com/moby/buildkit/blob/v0.32.2/frontend/dockerfile/dfgitutil/git_ref.go
 */
export function gitForm(url: string, withSubdir: boolean): string | undefined {
  let parsed: ReturnType<typeof parseGitRef>
  try {
    parsed = parseGitRef(url)
  } catch {
    return undefined
  }
  if (parsed === undefined) return undefined
  const subdir = withSubdir ? parsed.subdir : ''
  if (parsed.ref === '' && subdir === '') return parsed.remote
  return `${parsed.remote}#${parsed.ref}${subdir === '' ? '' : `:${subdir}`}`
}
