/** Where Go says it otherwise than Node. Source: Linux `strerror`, as Go's syscall package prints it. */
export const goErrnoTexts: Readonly<Record<string, string>> = {
  EBUSY: 'device or resource busy',
  EEXIST: 'file exists',
  EISDIR: 'is a directory',
  ELOOP: 'too many levels of symbolic links',
  ENAMETOOLONG: 'file name too long',
  ENODEV: 'no such device',
  ENOTDIR: 'not a directory',
  ENOTEMPTY: 'directory not empty',
  ERANGE: 'numerical result out of range',
  EXDEV: 'invalid cross-device link',
}

const nodeMessage = /^([A-Z0-9]+): (.+), ([a-z_0-9]+)(?: '(.*?)')?(?: -> '(.*)')?$/s

/**
 * The message of a system error of Node's (`ENOENT: no such file or directory, open '/x'`) in the words of Go, which users
 * of BuildKit know: `open /x: no such file or directory`. Other messages stay as they are.
 */
export function goSystemError(message: string): string {
  const match = nodeMessage.exec(message)
  if (match === null) return message
  const [, code = '', text = '', call = '', path, target] = match
  const subject = [call === 'scandir' ? 'open' : call, path, target].filter(part => part !== undefined)
  return `${subject.join(' ')}: ${goErrnoTexts[code] ?? text}`
}
