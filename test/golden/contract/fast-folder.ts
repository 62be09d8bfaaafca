import { mkdirSync, writeFileSync } from 'node:fs'
import { mount, unmount } from '../../../src/sys/mount.ts'
import { setXattr } from '../../../src/sys/xattr.ts'

/**
 * Makes a folder in memory, where hundreds of builds wait for no disk; a plain one where the kernel's cannot do all that builds
 * ask for (user xattrs: Linux 6.6).
 */
export function makeFastFolder(path: string): Disposable {
  mkdirSync(path)
  try {
    mount('tmpfs', path, 'tmpfs', 0, 'mode=755,size=2g')
  } catch {
    return { [Symbol.dispose]: () => {} }
  }
  const end = (): void => unmount(path, { detach: true })
  try {
    writeFileSync(`${path}/probe`, '')
    setXattr(`${path}/probe`, 'user.probe', Buffer.from('1'))
  } catch {
    end()
    return { [Symbol.dispose]: () => {} }
  }
  return { [Symbol.dispose]: end }
}
