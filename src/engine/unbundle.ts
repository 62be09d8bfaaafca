import { posix } from 'node:path'
import { asSlipwayError, SlipwayError, wrapError } from '../errors/slipway-error.ts'
import type { Attestation } from '../exporter/export-source.ts'
import { goJson, sortKeys } from '../gostd/json.ts'
import type { Trees } from '../ops/trees.ts'
import type { Ref } from '../snapshot/ref.ts'
import type { Entry } from '../snapshot/tree.ts'
import { type BridgeAttestation, treeOf } from './bridge-ref.ts'
import { decodeStatement } from './decode-statement.ts'
import { readRefDirectory, readRefFile, statRefFile } from './ref-files.ts'

/** Larger statements are refused (bytes). */
const mostBytes = 40 << 20

/** Only the builder itself can vouch for how something was built. */
const provenancePrefix = 'https://slsa.dev/provenance/'

/**
 * Attestations of a frontend as exporters take them: bundles are read into their statements, the bill of materials of the
 * result itself comes first. Throws `invalid-argument` for statements that make no sense. Behaviour:
 * https://github.com/moby/buildkit/blob/v0.32.2/exporter/attestation/unbundle.go
 */
export async function unbundle(
  attestations: readonly BridgeAttestation[],
  trees: Trees,
  signal: AbortSignal,
): Promise<readonly Attestation[]> {
  const lists = await Promise.all(
    attestations.map(async one =>
      one.kind === 'bundle' ? readBundle(one, trees, signal) : [inTotoAttestation(one, trees, signal)],
    ),
  )
  return lists.flat().toSorted((a, b) => Number(b.sbomCore) - Number(a.sbomCore))
}

function inTotoAttestation(one: BridgeAttestation, trees: Trees, signal: AbortSignal): Attestation {
  if (one.predicateType.startsWith(provenancePrefix))
    throw invalid('frontend may not set provenance attestations')
  if (one.path === '') throw invalid('attestation does not have set path')
  if (one.ref === undefined) throw invalid('attestation does not have available content')
  return {
    predicateType: one.predicateType,
    inlineOnly: isInlineOnly(one),
    path: one.path,
    subjects: one.subjects,
    sbomCore: isCore(one, one.path),
    predicate: async () => {
      const bytes = await readRefFile(trees, await treeOf(one.ref), one.path, undefined, signal).catch(
        (e: unknown) => {
          throw wrapError('cannot read in-toto attestation', e)
        },
      )
      if (bytes.length > mostBytes) throw invalid(`${one.path} exceeds ${mostBytes} bytes`)
      return bytes
    },
  }
}

async function readBundle(
  bundle: BridgeAttestation,
  trees: Trees,
  signal: AbortSignal,
): Promise<readonly Attestation[]> {
  if (bundle.ref === undefined) throw invalid('no ref provided for attestation bundle')
  const tree = await treeOf(bundle.ref)
  const entries = await readRefDirectory(trees, tree, bundle.path, '', signal)
  const found: Attestation[] = []
  for (const entry of entries) {
    const path = posix.join(bundle.path, posix.basename(entry.path))
    const { kind, size } = entry.kind === 'symlink' ? await statOf(trees, tree, path, signal) : entry
    if (kind !== 'file') throw invalid(`${path} is not a regular file`)
    if (size > mostBytes) throw invalid(`${path} exceeds ${mostBytes} bytes`)
    const statement = decodeStatement(await readRefFile(trees, tree, path, undefined, signal))
    const { predicateType } = statement
    if (bundle.predicateType !== '' && predicateType !== bundle.predicateType) {
      throw invalid(
        `bundle entry ${predicateType} does not match required predicate type ${bundle.predicateType}`,
      )
    }
    if (predicateType.startsWith(provenancePrefix))
      throw invalid('frontend may not bundle provenance attestations')
    const bytes = Buffer.from(goJson(sortKeys(statement.predicate)))
    found.push({
      predicateType,
      inlineOnly: isInlineOnly(bundle),
      path,
      subjects: statement.subjects,
      sbomCore: isCore(bundle, path),
      predicate: async () => bytes,
    })
  }
  return found
}

/** What a link leads to, in its tree. */
async function statOf(trees: Trees, tree: Ref, path: string, signal: AbortSignal): Promise<Entry> {
  return await statRefFile(trees, tree, path, signal).catch((e: unknown) => {
    throw asSlipwayError(e).code === 'not-found' ? invalid(`open /${path}: no such file or directory`) : e
  })
}

const textOf = (one: BridgeAttestation, key: string): string | undefined => {
  const bytes = one.metadata.get(key)
  return bytes === undefined ? undefined : Buffer.from(bytes).toString('utf8')
}

/** Whether statements are for images only that have an index anyway. */
export const isInlineOnly = (one: BridgeAttestation): boolean => textOf(one, 'inline-only') === 'true'

/** The bill of materials of the result itself, not of what helped to build it. */
function isCore(one: BridgeAttestation, path: string): boolean {
  const name = textOf(one, 'sbom-core')
  return name !== undefined && posix.basename(path).split('.', 1)[0] === name
}

const invalid = (message: string): SlipwayError => new SlipwayError('invalid-argument', message)
