import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { getCACertificates, type SecureContext, createSecureContext } from 'node:tls'
import { wrapError } from '../../errors/slipway-error.ts'
import type { TlsSettings } from '../registry-host.ts'

/** Which authorities are trusted: those that come with Node, or the system's as well (100 ms to read, measured). */
export type TrustStore = 'bundled' | 'system'

/** Contents of files that are not on this disk, by path. */
export type CertificateFiles = Readonly<Record<string, Uint8Array>>

/**
 * The TLS context for a host, or undefined where Node's default one serves. Files are looked for in `files` first.
 * Throws where a configured file cannot be read.
 */
export async function tlsContext(
  settings: TlsSettings,
  trust: TrustStore,
  files: CertificateFiles = {},
): Promise<SecureContext | undefined> {
  const fromDirectories = await Promise.all(settings.directories.map(scanDirectory))
  const authorities = [...settings.ca, ...fromDirectories.flatMap(d => d.ca)]
  const pairs = settings.anonymous ? [] : [...settings.keypair, ...fromDirectories.flatMap(d => d.keypair)]
  if (authorities.length === 0 && pairs.length === 0 && trust === 'bundled') return undefined
  const extra = await Promise.all(authorities.map(path => readPem(path, 'failed to read', files)))
  const base =
    trust === 'system'
      ? [...getCACertificates('bundled'), ...getCACertificates('system')]
      : getCACertificates('bundled')
  const load = (path: string): Promise<string> => readPem(path, 'failed to load keypair for', files)
  const cert = await Promise.all(pairs.map(pair => load(pair.cert)))
  const key = await Promise.all(pairs.map(pair => load(pair.key)))
  try {
    return createSecureContext({ ca: [...new Set([...base, ...extra])], cert, key })
  } catch (error) {
    throw wrapError(
      `failed to use the certificates of ${pairs.map(p => p.cert).join(', ') || authorities.join(', ')}`,
      error,
    )
  }
}

async function readPem(path: string, failure: string, files: CertificateFiles): Promise<string> {
  if (Object.hasOwn(files, path)) return Buffer.from(files[path] ?? []).toString('utf8')
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    throw wrapError(`${failure} ${path}`, error)
  }
}

async function scanDirectory(directory: string): Promise<Pick<TlsSettings, 'ca' | 'keypair'>> {
  let names: string[]
  try {
    names = (await readdir(directory)).sort()
  } catch {
    // Directories that are missing or closed to us are optional, as in BuildKit.
    return { ca: [], keypair: [] }
  }
  const path = (name: string): string => join(directory, name)
  return {
    ca: names.filter(name => name.endsWith('.crt')).map(path),
    keypair: names
      .filter(name => name.endsWith('.cert'))
      .map(name => ({ cert: path(name), key: path(`${name.slice(0, -'.cert'.length)}.key`) })),
  }
}
