import { errnoOf } from '../sys/errno-error.ts'

/** What system calls answer when the file that was there a moment ago is gone, or something else. */
const torn = new Set([
  'ENOENT',
  'ENOTDIR',
  'EISDIR',
  'ELOOP',
  'ESTALE',
  'ENXIO',
  'ENODEV',
  'EAGAIN',
  'EINVAL',
])

/** Whether a read of a live directory failed because somebody changed it meanwhile: the system's own error, however wrapped. */
export function wasTorn(error: unknown): boolean {
  for (let e = error; e instanceof Error; e = e.cause) {
    const errno = errnoOf(e)
    if (errno !== undefined && torn.has(errno)) return true
  }
  return false
}
