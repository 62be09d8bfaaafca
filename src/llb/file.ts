import { cleanPath } from '../gostd/pattern-matcher.ts'
import { capability } from './capability.ts'
import type { FileAction } from './file-action.ts'
import { joinPath } from './join-path.ts'
import type { OpOptions } from './options.ts'
import type { State } from './state.ts'
import { outputOf } from './vertex.ts'

/** Changes files of a state; relative paths of the actions start at its working directory. */
export function file(state: State, actions: readonly FileAction[], options: OpOptions = {}): State {
  const vertex = {
    kind: 'file' as const,
    base: state.output,
    actions: actions.map(action => resolved(action, state.dir)),
    metadata: { ...options, capabilities: [capability.fileBase] },
  }
  return { ...state, output: outputOf(vertex) }
}

function resolved(action: FileAction, dir: string): FileAction {
  switch (action.kind) {
    case 'mkdir':
    case 'mkfile':
    case 'rm':
      return { ...action, path: absolute(action.path, dir) }
    case 'symlink':
      return action
    case 'copy':
      return { ...action, destination: withTrailer(absolute(action.destination, dir), action.destination) }
  }
}

function absolute(path: string, dir: string): string {
  return path.startsWith('/') ? cleanPath(path) : joinPath('/', dir, path)
}

/** Keeps `/` and `/.` at the end of a destination, which say that it is a directory. */
function withTrailer(path: string, original: string): string {
  if (original.endsWith('/') && !path.endsWith('/')) return `${path}/`
  if (original.endsWith('/.')) return path === '/' ? '/.' : `${path}/.`
  return path
}

/** The path of a copy's source inside a state: cleaned, absolute. */
export function sourcePath(state: State, path: string): string {
  return path.startsWith('/') ? cleanPath(path) : joinPath(state.dir, cleanPath(path))
}
