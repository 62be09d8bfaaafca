import { createHash } from 'node:crypto'

/**
 * The id under which clients see a record: 25 letters and digits, as BuildKit has them. The same record has the same one
 * as long as it lives. Source: https://github.com/moby/buildkit/blob/v0.32.2/identity/randomid.go
 */
export function recordId(store: string, id: string): string {
  const hex = createHash('sha256').update(`${store}\0${id}`).digest('hex')
  return BigInt(`0x${hex}`).toString(36).padStart(50, '0').slice(-25)
}
