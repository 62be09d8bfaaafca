import { randomBytes } from 'node:crypto'
import { chownSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { makeDirectoriesSync } from '../bytes/make-directories.ts'
import { asSlipwayError, SlipwayError } from '../errors/slipway-error.ts'
import { errnoOf } from '../sys/errno-error.ts'

/** Whom files made under sudo belong to. */
interface Owner {
  readonly uid: number
  readonly gid: number
}

/** The directory in which buildx keeps its builders; other programs read and write it too. */
export interface ConfigDir {
  readonly path: string
  /** Makes a folder below it, with its parents, mode 0700. */
  makeFolder(name: string): void
  /**
   * Replaces a file at once: readers see the old content or the new one. It is on the disk when this returns, unless
   * `flush` is false: for what may be lost with the power.
   */
  write(name: string, content: string | Uint8Array, mode?: number, flush?: boolean): void
  /** Content of a file; undefined where there is none. */
  read(name: string): Buffer | undefined
  /** Removes a file or a folder with everything in it, if it is there. */
  remove(name: string): void
}

/** Opens the directory; nothing is made before something is written. Behaviour: rows C1 and B151. */
export function openConfigDir(path: string, env: Readonly<Record<string, string | undefined>>): ConfigDir {
  const owner = sudoCaller(path, env)
  const give = (file: string): void => {
    if (owner !== undefined) chownSync(file, owner.uid, owner.gid)
  }
  const makeFolder = (name: string): void => {
    const first = made(join(path, name))
    if (first === undefined || owner === undefined) return
    for (let folder = join(path, name); ; folder = dirname(folder)) {
      give(folder)
      if (folder === first || folder === dirname(folder)) return
    }
  }
  return {
    path,
    makeFolder,
    write(name, content, mode = 0o600, flush = true) {
      makeFolder(dirname(name))
      const temporary = join(path, dirname(name), `.tmp-${randomBytes(6).toString('hex')}`)
      try {
        writeFileSync(temporary, content, { mode, flag: 'wx', flush })
        give(temporary)
        renameSync(temporary, join(path, name))
      } catch (error) {
        rmSync(temporary, { force: true })
        throw error
      }
    },
    read(name) {
      try {
        return readFileSync(join(path, name))
      } catch (error) {
        if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return undefined
        throw error
      }
    },
    remove: name => rmSync(join(path, name), { recursive: true, force: true }),
  }
}

/** Makes a folder; see `makeDirectoriesSync`. Throws with a hint at the variable that names another place. */
function made(folder: string): string | undefined {
  try {
    return makeDirectoriesSync(folder, 0o700)
  } catch (error) {
    const { code, message } = asSlipwayError(error)
    throw new SlipwayError(code, message, {
      cause: error,
      hint: 'builders are kept there: let BUILDX_CONFIG name a folder that you may write to',
    })
  }
}

/** The caller of sudo, where the directory lies in that user's home: what sudo makes there must stay usable. */
function sudoCaller(path: string, env: Readonly<Record<string, string | undefined>>): Owner | undefined {
  const { SUDO_COMMAND, SUDO_UID, SUDO_GID, HOME } = env
  if (SUDO_COMMAND === undefined || !SUDO_UID || !SUDO_GID || !HOME) return undefined
  const inside = relative(HOME, path)
  if (inside === '' || inside.startsWith('..')) return undefined
  const uid = Number(SUDO_UID)
  const home = statSync(HOME, { throwIfNoEntry: false })
  return home?.uid === uid ? { uid, gid: Number(SUDO_GID) } : undefined
}
