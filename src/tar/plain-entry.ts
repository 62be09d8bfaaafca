import { noXattrs, type TarEntry, type TarType } from './entry.ts'

/** A member of root's, of the beginning of 1970, without attributes: what archives around images are made of. */
export function plainEntry(type: TarType, name: string, mode: number, size = 0): TarEntry {
  return {
    type,
    name,
    linkname: '',
    mode,
    uid: 0,
    gid: 0,
    size,
    mtimeNs: 0n,
    devmajor: 0,
    devminor: 0,
    xattrs: noXattrs,
  }
}
