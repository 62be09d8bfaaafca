import type { EmulatedArchitecture } from './architectures.ts'

const ET_EXEC = 2
const PT_LOAD = 1
const PT_INTERP = 3
const readAndExecute = 5

/**
 * The header of an executable ELF file of an architecture, and optionally a program in it: machine code that is loaded
 * and entered with nothing set up. Source: elf(5).
 */
export function elfFile(architecture: EmulatedArchitecture, code: Uint8Array = new Uint8Array()): Buffer {
  const { bits, endian, machine } = architecture
  const wide = bits === 64
  const [headerSize, entrySize] = wide ? [64, 56] : [52, 32]
  const size = headerSize + entrySize + code.length
  const file = Buffer.alloc(size)
  const view = new DataView(file.buffer, file.byteOffset, size)
  const little = endian === 'little'
  const half = (at: number, value: number): void => view.setUint16(at, value, little)
  const word = (at: number, value: number): void => view.setUint32(at, value, little)
  const address = (at: number, value: number): void =>
    wide ? view.setBigUint64(at, BigInt(value), little) : word(at, value)
  file.set([0x7f, 0x45, 0x4c, 0x46, wide ? 2 : 1, little ? 1 : 2, 1])
  half(16, ET_EXEC)
  half(18, machine)
  word(20, 1)
  const base = 0x400000
  address(24, base + headerSize + entrySize)
  address(wide ? 32 : 28, headerSize)
  word(wide ? 48 : 36, architecture.arch === 'arm' ? 0x05000000 : 0)
  const sizes = wide ? 52 : 40
  half(sizes, headerSize)
  half(sizes + 2, entrySize)
  half(sizes + 4, 1)
  word(headerSize, PT_LOAD)
  word(headerSize + (wide ? 4 : 24), readAndExecute)
  address(headerSize + (wide ? 16 : 8), base)
  address(headerSize + (wide ? 24 : 12), base)
  address(headerSize + (wide ? 32 : 16), size)
  address(headerSize + (wide ? 40 : 20), size)
  address(headerSize + (wide ? 48 : 28), 0x1000)
  file.set(code, headerSize + entrySize)
  return file
}

/**
 * Tells whether an ELF file needs a dynamic loader. An interpreter that does is found in containers (flag F), but its
 * loader is not. `start` are the first bytes of the file. Undefined where it is no ELF file.
 */
export function needsLoader(start: Uint8Array): boolean | undefined {
  if (start.length < 64 || Buffer.from(start.subarray(0, 4)).toString('latin1') !== '\x7fELF')
    return undefined
  const view = new DataView(start.buffer, start.byteOffset, start.length)
  const wide = start[4] === 2
  const little = start[5] === 1
  const offset = wide ? Number(view.getBigUint64(32, little)) : view.getUint32(28, little)
  const entrySize = view.getUint16(wide ? 54 : 42, little)
  const count = view.getUint16(wide ? 56 : 44, little)
  for (let i = 0; i < count; i++) {
    const at = offset + i * entrySize
    if (at + 4 > start.length) return undefined
    if (view.getUint32(at, little) === PT_INTERP) return true
  }
  return false
}
