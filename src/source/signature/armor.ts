import { SlipwayError } from '../../errors/slipway-error.ts'

/** One block of armored data. */
export interface ArmorBlock {
  /** `PGP SIGNATURE`, `SSH SIGNATURE`… */
  readonly type: string
  readonly bytes: Buffer
}

/**
 * All armored blocks of a text; none where there are none. Headers and checksums are passed over: what is inside is
 * verified by better means. Throws `invalid-argument`. Form: https://www.rfc-editor.org/rfc/rfc9580#section-6.2
 */
export function armorBlocks(text: string): readonly ArmorBlock[] {
  const pattern = /^-----BEGIN ([A-Z ]+)-----[ \t]*\r?\n([\s\S]*?)^-----END \1-----/gm
  return [...text.matchAll(pattern)].map(([, type = '', body = '']) => {
    const lines = body.split(/\r?\n/).map(line => line.trim())
    const blank = lines.indexOf('')
    const hasHeaders = blank >= 0 && lines.slice(0, blank).every(line => line.includes(': '))
    const data = (hasHeaders ? lines.slice(blank) : lines).filter(
      line => line !== '' && !line.startsWith('='),
    )
    const base64 = data.join('')
    if (!/^[A-Za-z0-9+/]*={0,2}$/.test(base64))
      throw new SlipwayError('invalid-argument', 'failed to decode armored data: invalid base64')
    return { type, bytes: Buffer.from(base64, 'base64') }
  })
}
