import { createHash } from 'node:crypto'
import { closeSync, readSync } from 'node:fs'
import { posix } from 'node:path'
import { SlipwayError } from '../errors/slipway-error.ts'
import { goJson } from '../gostd/json.ts'
import type { FileTree } from '../snapshot/tree.ts'
import type { Attestation } from './export-source.ts'
import { inTotoStatement, type StatementSubject } from './statement.ts'

/**
 * Statements about the files of a tree, as files to be exported beside them: name to bytes. `suffix` (`.linux_arm64`)
 * goes in front of the extension. Throws `invalid-argument` where two would get the same name.
 */
export async function attestationFiles(
  attestations: readonly Attestation[],
  tree: FileTree,
  names: { readonly prefix: string; readonly suffix: string },
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>()
  const wanted = attestations.filter(one => !one.inlineOnly)
  if (wanted.length === 0) return files
  const subjects = [...fileSubjects(tree, '/', signal)]
  for (const attestation of wanted) {
    const base = names.prefix + posix.basename(attestation.path)
    const extension = posix.extname(base)
    const name = base.slice(0, base.length - extension.length) + names.suffix + extension
    if (files.has(name)) {
      throw new SlipwayError('invalid-argument', `duplicate attestation path name ${name}`)
    }
    files.set(
      name.replace(/^\//, ''),
      Buffer.from(goJson(await inTotoStatement(attestation, subjects), { indent: '  ' })),
    )
  }
  return files
}

function* fileSubjects(tree: FileTree, path: string, signal: AbortSignal): Iterable<StatementSubject> {
  for (const name of tree.readdir(path)) {
    signal.throwIfAborted()
    const child = path === '/' ? `/${name}` : `${path}/${name}`
    const kind = tree.lstat(child)?.kind
    if (kind === 'directory') yield* fileSubjects(tree, child, signal)
    else if (kind === 'file') yield { name: child.slice(1), digest: { sha256: fileDigest(tree, child) } }
  }
}

function fileDigest(tree: FileTree, path: string): string {
  const fd = tree.open(path)
  try {
    const hash = createHash('sha256')
    const chunk = Buffer.allocUnsafe(256 * 1024)
    for (let n = readSync(fd, chunk); n > 0; n = readSync(fd, chunk)) hash.update(chunk.subarray(0, n))
    return hash.digest('hex')
  } finally {
    closeSync(fd)
  }
}
