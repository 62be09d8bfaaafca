/** An architecture that QEMU's user mode emulates. */
export interface EmulatedArchitecture {
  /** Go's name. */
  readonly arch: string
  /** Name of QEMU's program and of the handler: `qemu-aarch64`. */
  readonly binary: string
  /** 32 or 64 bit, from byte 4 of an ELF file. */
  readonly bits: 32 | 64
  readonly endian: 'little' | 'big'
  /** `e_machine`. Source: https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html and linux/include/uapi/linux/elf-em.h. */
  readonly machine: number
  /**
   * Which of the first 20 bytes have to agree, in hex. OS ABI is open everywhere, and the lowest bit of the file type,
   * so that position-independent programs match too.
   */
  readonly mask: string
}

/**
 * All of them, in the order in which platforms are listed.
 * Source: https://github.com/tonistiigi/binfmt/blob/deploy/v10.0.4-56/cmd/binfmt/config.go
 */
export const emulatedArchitectures: readonly EmulatedArchitecture[] = [
  row('amd64', 'x86_64', 64, 'little', 0x3e, 'fffffffffffefe00fffffffffffffffffeffffff'),
  row('arm64', 'aarch64', 64, 'little', 0xb7, 'ffffffffffffff00fffffffffffffffffeffffff'),
  row('riscv64', 'riscv64', 64, 'little', 0xf3, 'ffffffffffffff00fffffffffffffffffeffffff'),
  row('ppc64', 'ppc64', 64, 'big', 0x15, 'ffffffffffffff00fffffffffffffffffffeffff'),
  row('ppc64le', 'ppc64le', 64, 'little', 0x15, 'ffffffffffffff00fffffffffffffffffeffff00'),
  row('s390x', 's390x', 64, 'big', 0x16, 'ffffffffffffff00fffffffffffffffffffeffff'),
  row('386', 'i386', 32, 'little', 0x03, 'fffffffffffefe00fffffffffffffffffeffffff'),
  row('mips64le', 'mips64el', 64, 'little', 0x08, 'ffffffffffffff0000fffffffffffffffeffffff'),
  row('mips64', 'mips64', 64, 'big', 0x08, 'ffffffffffffff0000fffffffffffffffffeffff'),
  row('loong64', 'loongarch64', 64, 'little', 0x102, 'fffffffffffffffc00fffffffffffffffeffffff'),
  row('arm', 'arm', 32, 'little', 0x28, 'ffffffffffffff00fffffffffffffffffeffffff'),
]

function row(
  arch: string,
  name: string,
  bits: 32 | 64,
  endian: 'little' | 'big',
  machine: number,
  mask: string,
): EmulatedArchitecture {
  return { arch, binary: `qemu-${name}`, bits, endian, machine, mask }
}

/** The architecture with a Go name. */
export function findArchitecture(arch: string): EmulatedArchitecture | undefined {
  return emulatedArchitectures.find(known => known.arch === arch)
}
