const magics: readonly (readonly [offset: number, bytes: readonly number[]])[] = [
  [0, [0x42, 0x5a, 0x68]],
  [0, [0x1f, 0x8b, 0x08]],
  [0, [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]],
  [0, [0x28, 0xb5, 0x2f, 0xfd]],
  [257, [0x75, 0x73, 0x74, 0x61, 0x72]],
]

/** Whether bytes begin an archive that can be a build context: tar, or gzip, bzip2, xz or zstd of one. */
export function isArchive(head: Uint8Array): boolean {
  return magics.some(([offset, bytes]) => bytes.every((byte, i) => head[offset + i] === byte))
}
