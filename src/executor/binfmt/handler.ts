import { closeSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { compareNames } from '../../bytes/path-string.ts'
import { needsLoader } from './elf-file.ts'

/** Where the kernel keeps its handlers. */
export const defaultMount = '/proc/sys/fs/binfmt_misc'

/** What a handler looks for in a file: bytes at a place, or the end of the name. */
export type Recognition =
  | {
      readonly kind: 'magic'
      readonly offset: number
      readonly magic: Uint8Array
      /** As long as `magic`: which bits have to agree. */
      readonly mask: Uint8Array
    }
  | { readonly kind: 'extension'; readonly extension: string }

/** One handler. Source: linux/Documentation/admin-guide/binfmt-misc.rst. */
export interface Handler {
  readonly name: string
  readonly enabled: boolean
  readonly interpreter: string
  /** `P`: argv[0] kept, `O`: file passed open, `C`: credentials of the file, `F`: interpreter opened at registration. */
  readonly flags: string
  readonly recognition: Recognition
}

/** Reads a handler's file: `enabled`, `interpreter …`, `flags: …`, then `offset`, `magic` and `mask` or `extension`. */
export function parseHandler(name: string, text: string): Handler | undefined {
  const lines = text.split('\n')
  const field = (key: string): string | undefined =>
    lines.find(line => line === key || line.startsWith(`${key} `))?.slice(key.length + 1)
  const interpreter = field('interpreter')
  const recognition = parseRecognition(field)
  if (interpreter === undefined || recognition === undefined) return undefined
  const flags = (field('flags:') ?? '').trim()
  return { name, enabled: lines[0] === 'enabled', interpreter, flags, recognition }
}

function parseRecognition(field: (key: string) => string | undefined): Recognition | undefined {
  const extension = field('extension')
  if (extension !== undefined) return { kind: 'extension', extension }
  const magic = field('magic')
  if (magic === undefined) return undefined
  const bytes = Buffer.from(magic, 'hex')
  const mask = field('mask')
  return {
    kind: 'magic',
    offset: Number(field('offset') ?? 0),
    magic: bytes,
    mask: mask === undefined ? Buffer.alloc(bytes.length, 0xff) : Buffer.from(mask, 'hex'),
  }
}

/** Tells whether the kernel gives a file that begins with `file` to this handler. */
export function recognizes(handler: Handler, file: Uint8Array): boolean {
  if (handler.recognition.kind !== 'magic') return false
  const { offset, magic, mask } = handler.recognition
  if (magic.length === 0 || offset + magic.length > file.length) return false
  return magic.every((byte, i) => (((file[offset + i] as number) ^ byte) & (mask[i] ?? 0xff)) === 0)
}

/** All handlers, by name; none where the file system is not mounted or switched off as a whole. */
export function readHandlers(mount: string = defaultMount): readonly Handler[] {
  if (read(join(mount, 'status'))?.trim() !== 'enabled') return []
  return readdirSync(mount)
    .filter(name => name !== 'register' && name !== 'status')
    .sort(compareNames)
    .flatMap(name => parseHandler(name, read(join(mount, name)) ?? '') ?? [])
}

/** Why a handler is of no use inside a container; undefined where it is. */
export function unusableInContainers(handler: Handler): string | undefined {
  const { name, flags, interpreter } = handler
  if (!handler.enabled) return `handler ${name} is disabled`
  if (!flags.includes('F')) {
    const state = flags === '' ? 'no flags' : `flags ${flags}`
    return `handler ${name} has ${state}, without F: containers do not find ${interpreter}`
  }
  if (needsLoader(firstBytes(interpreter)) === true) {
    return `interpreter ${interpreter} of handler ${name} is not static: containers do not find its loader`
  }
  return undefined
}

/** Enough for the header and the program headers; empty where the file is gone (an opened one still serves). */
function firstBytes(path: string): Uint8Array {
  let fd: number
  try {
    fd = openSync(path, 'r')
  } catch {
    return new Uint8Array()
  }
  try {
    const buffer = Buffer.alloc(4096)
    return buffer.subarray(0, readSync(fd, buffer))
  } finally {
    closeSync(fd)
  }
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
