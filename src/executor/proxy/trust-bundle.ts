import { appendFileSync, lstatSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { fsPath } from '../../bytes/path-string.ts'
import { SlipwayError } from '../../errors/slipway-error.ts'
import { setTimes } from '../../sys/times.ts'
import { resolveInRoot } from '../root/resolve-in-root.ts'

/** Where distributions keep the authorities that programs trust, all in one file. */
const bundles: readonly string[] = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/pki/tls/cacert.pem',
  '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
  '/etc/ssl/cert.pem',
]

const mostBytes = 10 << 20

/** A file of authorities that has one more. */
export interface TrustBundle {
  /** Canonical, inside the root. */
  readonly path: string
  readonly before: Buffer
  readonly stats: {
    readonly uid: number
    readonly gid: number
    readonly mode: number
    readonly mtimeNs: bigint
  }
  readonly added: Buffer
}

/** The file of authorities of a root, with what is to be added to it; undefined where there is none. */
export function findTrustBundle(root: string, certificate: string): TrustBundle | undefined {
  for (const name of bundles) {
    const path = resolveInRoot(root, name)
    const stats = lstatSync(fsPath(root + path), { throwIfNoEntry: false, bigint: true })
    if (!stats?.isFile()) continue
    if (stats.size > mostBytes)
      throw new SlipwayError('failed-precondition', `${path} exceeds ${mostBytes} bytes`)
    const before = readFileSync(fsPath(root + path))
    const open = before.length > 0 && before.at(-1) !== 10 ? '\n' : ''
    return {
      path,
      before,
      stats: {
        uid: Number(stats.uid),
        gid: Number(stats.gid),
        mode: Number(stats.mode),
        mtimeNs: stats.mtimeNs,
      },
      added: Buffer.from(`${open}\n# buildkit proxy CA begin\n${certificate}# buildkit proxy CA end\n`),
    }
  }
  return undefined
}

/** Adds the authority. In place, so that a directory on the way keeps its time. */
export function addAuthority(root: string, { path, added }: TrustBundle): void {
  appendFileSync(fsPath(root + path), added)
}

/**
 * Takes the authority away again from what the container left. True where the file is then as it was, so that no layer
 * has to have it.
 */
export function removeAuthority(upper: string, { path, before, stats, added }: TrustBundle): boolean {
  const full = fsPath(upper + path)
  const now = lstatSync(full, { throwIfNoEntry: false, bigint: true })
  // Gone, or something else: what the step wanted.
  if (!now?.isFile() || now.size > mostBytes + added.length) return false
  const found = readFileSync(full)
  const at = found.indexOf(added)
  const rest = at < 0 ? found : Buffer.concat([found.subarray(0, at), found.subarray(at + added.length)])
  const isSame =
    rest.equals(before) &&
    Number(now.uid) === stats.uid &&
    Number(now.gid) === stats.gid &&
    Number(now.mode) === stats.mode
  if (at < 0) return isSame
  writeFileSync(full, rest)
  setTimes(upper + path, now.atimeNs, isSame ? stats.mtimeNs : now.mtimeNs)
  return isSame
}

/** Empties a file that is to go like a mount point. */
export function emptyBundle(upper: string, { path }: TrustBundle): void {
  if (statSync(fsPath(upper + path), { throwIfNoEntry: false })?.isFile()) truncateSync(fsPath(upper + path))
}
