import { posix } from 'node:path'
import { SlipwayError } from '../../errors/slipway-error.ts'
import { encodeHeader, endOfArchive, padding } from '../../tar/encode-header.ts'
import { plainEntry } from '../../tar/plain-entry.ts'

/**
 * The files of a daemon's configuration folder as a tar, to be unpacked in the folder above. Throws `invalid-argument`
 * for paths that are not plain relative ones.
 */
export function configArchive(folder: string, files: Readonly<Record<string, Uint8Array>>): Uint8Array {
  const paths = Object.keys(files).sort()
  const folders = new Set<string>()
  for (const path of paths) {
    if (!isPlain(path)) {
      throw new SlipwayError('invalid-argument', `invalid config file path ${JSON.stringify(path)}`)
    }
    for (let dir = posix.dirname(`${folder}/${path}`); dir !== '.'; dir = posix.dirname(dir)) folders.add(dir)
  }
  for (const path of paths) {
    if (folders.has(`${folder}/${path}`)) {
      throw new SlipwayError(
        'invalid-argument',
        `config file path ${JSON.stringify(path)} conflicts with directory`,
      )
    }
  }
  const parts: Uint8Array[] = []
  for (const dir of [...folders].sort()) parts.push(encodeHeader(plainEntry('directory', `${dir}/`, 0o755)))
  for (const path of paths) {
    const content = files[path] ?? new Uint8Array()
    parts.push(encodeHeader(plainEntry('file', `${folder}/${path}`, 0o644, content.length)), content)
    parts.push(padding(content.length))
  }
  return Buffer.concat([...parts, endOfArchive])
}

function isPlain(path: string): boolean {
  return (
    path !== '' &&
    !/[\\\0]/.test(path) &&
    path.split('/').every(part => part !== '' && part !== '.' && part !== '..')
  )
}
