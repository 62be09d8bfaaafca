import type { ImageConfig } from '../oci/image-config.ts'
import { normalizePlatform, type Platform } from '../oci/platform.ts'
import { EnvList } from './env-list.ts'
import { joinPath } from './join-path.ts'
import type { ExecVertex, Output } from './vertex.ts'

/**
 * A file tree and what further steps on it inherit. Immutable; `output` undefined is the empty tree.
 * Source: https://github.com/moby/buildkit/blob/v0.32.2/client/llb/state.go
 */
export interface State {
  readonly output: Output | undefined
  readonly dir: string
  readonly env: EnvList
  readonly user: string
  readonly hostname: string
  readonly network: ExecVertex['network']
  readonly security: ExecVertex['security']
  /** Normalised. */
  readonly platform: Platform | undefined
}

/** The empty tree. */
export const scratch: State = {
  output: undefined,
  dir: '/',
  env: EnvList.empty,
  user: '',
  hostname: '',
  network: 'sandbox',
  security: 'sandbox',
  platform: undefined,
}

/** A state that starts with the given output. */
export function stateOf(output: Output | undefined, platform?: Platform): State {
  return platform === undefined ? { ...scratch, output } : withPlatform({ ...scratch, output }, platform)
}

/** The same state for another platform. */
export function withPlatform(state: State, platform: Platform): State {
  return { ...state, platform: normalizePlatform(platform) }
}

/** The same state with a variable set. */
export function withEnv(state: State, name: string, value: string): State {
  return { ...state, env: state.env.set(name, value) }
}

/** The same state in another working directory; a relative one starts at the current. */
export function withDir(state: State, dir: string): State {
  return { ...state, dir: dir.startsWith('/') ? dir : joinPath(state.dir === '' ? '/' : state.dir, dir) }
}

/** The same state with variables, working directory and platform of an image. */
export function withImageConfig(state: State, image: ImageConfig): State {
  let result = state
  for (const entry of image.config.Env ?? []) {
    const at = entry.indexOf('=')
    const name = at < 0 ? entry : entry.slice(0, at)
    if (name !== '') result = withEnv(result, name, at < 0 ? '' : entry.slice(at + 1))
  }
  result = withDir(result, image.config.WorkingDir ?? '')
  return image.architecture !== '' && image.os !== '' ? withPlatform(result, image) : result
}
