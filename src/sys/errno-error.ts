import { getSystemErrorMap } from 'node:util'

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

/** The errno name (`ENOENT`) of a thrown value, or undefined. */
export function errnoOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}
