import { file } from '../llb/file.ts'
import { marshal } from '../llb/marshal.ts'
import { scratch, type State } from '../llb/state.ts'
import type { Attestation } from './result.ts'
import type { Scanner, ScannerScope } from './sbom.ts'
import { scanPackages } from './scan/scan-packages.ts'
import { spdxDocument, spdxStatement } from './scan/spdx-document.ts'

/** Name and version in the documents. */
const tool = 'slipway-builtin-scanner-1'

/**
 * The scanner that needs no image: it reads the results' trees itself, and its documents become a tree like that of a
 * scanner's image, `sbom.spdx.json` and one more file for each further tree. `note` comes at the end of the step's name.
 */
export function createBuiltinScanner<Ref>(
  scope: ScannerScope<Ref>,
  attestationOf: (ref: Ref | undefined) => Attestation<Ref>,
  note: string,
): Scanner<Ref> {
  const { bridge, uniqueId, epoch } = scope
  const solve = (state: State, signal: AbortSignal | undefined): Promise<Ref | undefined> => {
    const platform = bridge.facts.hostPlatform
    const definition = marshal(state.output, { platform, localUniqueId: uniqueId })
    return bridge.solve({ definition }, signal)
  }
  const document = async (
    state: State,
    name: string,
    signal: AbortSignal | undefined,
  ): Promise<Uint8Array> => {
    using tree = await bridge.openTree(await solve(state, signal), signal)
    const facts = { name, created: createdAt(epoch), tool }
    return Buffer.from(spdxStatement(spdxDocument(scanPackages(tree), facts)))
  }
  return async (id, converted, abort) => {
    const signal = abort ?? scope.signal
    const trees = [
      ['sbom', converted.state] as const,
      ...[...converted.scanExtras].map(([name, state]) => [`sbom-${name}`, state] as const),
    ]
    const actions = []
    for (const [name, state] of trees) {
      const data = await document(state, name, signal)
      actions.push({ kind: 'mkfile' as const, path: `/${name}.spdx.json`, mode: 0o644, data })
    }
    const name = `[${id}] generating sbom using the built-in scanner${note}`
    return attestationOf(await solve(file(scratch, actions, { name }), signal))
  }
}

/** Documents say when they were made; without a date of the sources that is the epoch, so that they stay the same. */
function createdAt(epoch: string | undefined): string {
  const seconds = epoch !== undefined && /^\d{1,11}$/.test(epoch) ? Number(epoch) : 0
  return new Date(seconds * 1000).toISOString().replace('.000Z', 'Z')
}
