/** What a field of a header holds: a number in octal (base 256 where it does not fit), or bytes as they are. */
export type FieldValue = number | string | Uint8Array

/** A member with any bytes in any field; nothing is checked. */
export interface RawMember {
  readonly name?: FieldValue
  readonly mode?: FieldValue
  readonly uid?: FieldValue
  readonly gid?: FieldValue
  /** As the header says it. @default length of the content */
  readonly size?: FieldValue
  /** Seconds since 1970. @default 1000000000 */
  readonly mtime?: FieldValue
  readonly checksum?: FieldValue
  readonly type?: string
  readonly link?: FieldValue
  /** @default POSIX's */
  readonly magic?: string
  readonly devmajor?: FieldValue
  readonly devminor?: FieldValue
  readonly prefix?: FieldValue
  /** Bytes written over the header at an offset, before the checksum is made. */
  readonly patch?: readonly (readonly [offset: number, bytes: FieldValue])[]
  readonly content?: string | Uint8Array
}

/** A header block with content, filled up to whole blocks. */
export function member(raw: RawMember): Buffer {
  const content = Buffer.from(raw.content ?? '')
  const block = Buffer.alloc(512)
  const put = (value: FieldValue | undefined, at: number, width: number): void => {
    if (value !== undefined) fieldBytes(value, width).copy(block, at, 0, width)
  }
  put(raw.name, 0, 100)
  put(raw.mode ?? (raw.type === '5' ? 0o755 : 0o644), 100, 8)
  put(raw.uid ?? 0, 108, 8)
  put(raw.gid ?? 0, 116, 8)
  put(raw.size ?? content.length, 124, 12)
  put(raw.mtime ?? 1_000_000_000, 136, 12)
  put(raw.type ?? '0', 156, 1)
  put(raw.link, 157, 100)
  put(raw.magic ?? 'ustar\x0000', 257, 8)
  put(raw.devmajor ?? 0, 329, 8)
  put(raw.devminor ?? 0, 337, 8)
  put(raw.prefix, 345, 155)
  for (const [at, value] of raw.patch ?? []) put(value, at, 512 - at)
  put('        ', 148, 8)
  const sum = block.reduce((total, byte) => total + byte, 0)
  put(raw.checksum ?? `${sum.toString(8).padStart(6, '0')}\0 `, 148, 8)
  return Buffer.concat([block, content, Buffer.alloc((512 - (content.length % 512)) % 512)])
}

function fieldBytes(value: FieldValue, width: number): Buffer {
  if (typeof value === 'string') return Buffer.from(value, 'latin1')
  if (typeof value !== 'number') return Buffer.from(value)
  const octal = value < 0 ? '' : value.toString(8).padStart(width - 1, '0')
  return octal !== '' && octal.length < width ? Buffer.from(`${octal}\0`) : base256(BigInt(value), width)
}

/** A number in base 256: the first bit set, two's complement. */
export function base256(value: bigint, width: number): Buffer {
  const bytes = Buffer.alloc(width)
  for (let i = width - 1, rest = value; i >= 0; i--, rest >>= 8n) bytes[i] = Number(rest & 0xffn)
  bytes[0] = (bytes[0] ?? 0) | 0x80
  return bytes
}

/** A regular file. */
export const file = (name: FieldValue, content: string | Uint8Array = '', extra: RawMember = {}): Buffer =>
  member({ name, content, ...extra })
/** A directory. */
export const dir = (name: FieldValue, extra: RawMember = {}): Buffer => member({ name, type: '5', ...extra })
/** A symbolic link. */
export const link = (name: FieldValue, target: FieldValue, extra: RawMember = {}): Buffer =>
  member({ name, type: '2', link: target, mode: 0o777, ...extra })
/** A hard link. */
export const hard = (name: FieldValue, target: FieldValue, extra: RawMember = {}): Buffer =>
  member({ name, type: '1', link: target, ...extra })

/** Records of an extended header, with their lengths. */
export function records(...pairs: readonly (readonly [key: string, value: string | Uint8Array])[]): Buffer {
  return Buffer.concat(
    pairs.map(([key, value]) => {
      const rest = Buffer.concat([Buffer.from(` ${key}=`), Buffer.from(value as string), Buffer.from('\n')])
      let length = rest.length
      while (String(length).length + rest.length !== length) length = String(length).length + rest.length
      return Buffer.concat([Buffer.from(String(length)), rest])
    }),
  )
}

/** An extended header that speaks of the next member. */
export const pax = (...pairs: readonly (readonly [key: string, value: string | Uint8Array])[]): Buffer =>
  member({ name: 'PaxHeaders.0/x', type: 'x', content: records(...pairs) })

/** A member of GNU tar that holds the next name (`L`) or link target (`K`). */
export const gnuLong = (type: 'L' | 'K', text: string | Uint8Array): Buffer =>
  member({ name: '././@LongLink', type, magic: 'ustar  \0', content: text })

/** Two blocks of zeros. */
export const end: Buffer = Buffer.alloc(1024)

/** A whole archive. */
export const tar = (...members: readonly Uint8Array[]): Buffer => Buffer.concat([...members, end])
