import { getSystemErrorMap } from 'node:util'
import { goErrnoTexts } from '../errors/go-system-error.ts'

/** An error in the form of Node's own system errors. */
export interface ErrnoError extends Error {
  readonly code: string
  readonly errno: number
  readonly syscall: string
  readonly path?: string
}

/** The error of a failed system call, with the fields and the wording of Node's (`ENOENT: no such file or directory, mknod '/x'`). `errno` is positive. */
export function errnoError(errno: number, syscall: string, path?: string): ErrnoError {
  const [code, text] = getSystemErrorMap().get(-errno) ?? [`E${errno}`, 'unknown error']
  const where = path === undefined ? '' : ` '${path}'`
  const error = new Error(`${code}: ${text}, ${syscall}${where}`)
  return Object.assign(error, { code, errno: -errno, syscall, ...(path === undefined ? {} : { path }) })
}

/**
 * A failed system call of Node's in Go's words (`open /x: no such file or directory`); undefined for other errors. `call`
 * is the name that Go gives the call, `where` the path if the error has none.
 */
export function goErrnoText(error: unknown, call: string, where?: string): string | undefined {
  if (typeof error !== 'object' || error === null || !('errno' in error) || typeof error.errno !== 'number')
    return undefined
  const text = goErrnoTexts[errnoOf(error) ?? ''] ?? getSystemErrorMap().get(error.errno)?.[1]
  if (text === undefined) return undefined
  const path = 'path' in error && typeof error.path === 'string' ? error.path : where
  return path === undefined ? `${call}: ${text}` : `${call} ${path}: ${text}`
}

/** The errno name (`ENOENT`) of a thrown value, or undefined. */
export function errnoOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}
