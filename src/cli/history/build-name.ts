import { posix } from 'node:path'
import { isGitAddress, sourceAddress } from '../../build/git-address.ts'
import type { BuildState } from '../../builder/local-state.ts'

type Attributes = Readonly<Record<string, string>>

const isRemote = (text: string): boolean => /^(https?:\/\/|git:\/\/|ssh:\/\/|git@)|^github\.com\//.test(text)

/**
 * What a build is called in lists: `BUILDKIT_BUILD_NAME`, else its directory with a Dockerfile of another name, and the
 * target. `state` is what this machine noted of the build. Source:
 * https://github.com/docker/buildx/blob/v0.36.1/util/history/name.go
 */
export function buildName(attrs: Attributes, state: BuildState | undefined): string {
  const given = attrs['build-arg:BUILDKIT_BUILD_NAME']
  if (given) return given
  const local = attrs['vcs:localdir:context']
  const context = attrs['context'] ?? (local === '.' ? undefined : local) ?? ''
  const place = context === '' ? placeName(attrs, state) : context
  const target = attrs['target'] ?? ''
  if (target !== '') return place === '' ? target : `${place} (${target})`
  return place === '' ? sourceName(attrs) : place
}

function placeName(attrs: Attributes, state: BuildState | undefined): string {
  let file = attrs['filename'] === 'Dockerfile' ? '' : (attrs['filename'] ?? '')
  const folder = attrs['vcs:localdir:dockerfile']
  if (folder !== undefined && folder !== '.') file = posix.join(folder, file)
  let path = ''
  if (state !== undefined && !isRemote(state.localPath)) {
    if (state.localPath !== '-') path = state.localPath
    if (!['', '-', 'Dockerfile'].includes(state.dockerfilePath)) file = state.dockerfilePath
  }
  const isDefault = file === '' || file.endsWith('/Dockerfile')
  const bare = file.endsWith('/Dockerfile') ? file.slice(0, -'/Dockerfile'.length) : file
  if (bare.startsWith(path) && bare.length > path.length) return bare.slice(path.lastIndexOf('/') + 1)
  const shown = bare === '' ? path : bare
  if (shown === '') return ''
  const at = shown.lastIndexOf('/')
  const base = shown.slice(at + 1)
  return isDefault ? base : posix.join(posix.basename(at < 0 ? shown : shown.slice(0, at)), base)
}

function sourceName(attrs: Attributes): string {
  const input = attrs['input:context'] ?? ''
  const source = attrs['vcs:source'] ?? (isGitAddress(input) ? input : '')
  return source === '' ? '' : sourceAddress(source)
}
