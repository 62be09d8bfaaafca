import { readFile, writeFile } from 'node:fs/promises'
import { run } from '../../scripts/setup/run.ts'

/** Certificates in a folder, by name: `NAME.pem` with the key in `NAME-key.pem`. */
export interface Certificates {
  readonly pem: (name: string) => string
  readonly key: (name: string) => string
}

/**
 * Makes a CA (`ca`), another one (`other`), and certificates of the first: `server` and `client` for 127.0.0.1 and
 * localhost, `elsewhere` for another host, `expired` that is no longer valid.
 */
export async function makeCertificates(dir: string): Promise<Certificates> {
  const pem = (name: string): string => `${dir}/${name}.pem`
  const key = (name: string): string => `${dir}/${name}-key.pem`
  const openssl = (...args: string[]): Promise<string> => run(['openssl', ...args])
  const fresh = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
  for (const ca of ['ca', 'other']) {
    await openssl(
      ...['req', '-x509', ...fresh, '-days', '2'],
      ...['-keyout', key(ca), '-out', pem(ca), '-subj', `/CN=${ca}`],
    )
  }
  const names: Readonly<Record<string, string>> = {
    server: 'IP:127.0.0.1,DNS:localhost',
    client: 'DNS:client',
    elsewhere: 'DNS:elsewhere.example',
    expired: 'IP:127.0.0.1',
  }
  for (const [name, hosts] of Object.entries(names)) {
    const request = `${dir}/${name}.csr`
    const extensions = `${dir}/${name}.ext`
    await writeFile(extensions, `subjectAltName=${hosts}\n`)
    await openssl('req', ...fresh, '-keyout', key(name), '-out', request, '-subj', `/CN=${name}`)
    await openssl(
      ...['x509', '-req', '-in', request, '-extfile', extensions, '-out', pem(name)],
      ...['-CA', pem('ca'), '-CAkey', key('ca'), '-CAcreateserial'],
      ...['-days', name === 'expired' ? '0' : '2'],
    )
  }
  return { pem, key }
}

/** What a server of `makeCertificates` is started with: PEM bytes. */
export async function serverTls({
  pem,
  key,
}: Certificates): Promise<{ readonly cert: Buffer; readonly key: Buffer; readonly ca: Buffer }> {
  return {
    cert: await readFile(pem('server')),
    key: await readFile(key('server')),
    ca: await readFile(pem('ca')),
  }
}
