import type { Result } from '../solver/result.ts'
import { refOf } from './ref-result.ts'
import type { Trees } from './trees.ts'

/** Fetches and unpacks layers of inputs that were only known so far. Throws what fetching throws. */
export async function bringInputs(
  inputs: readonly Result[],
  trees: Trees,
  signal: AbortSignal,
): Promise<void> {
  await Promise.all(
    inputs.map(async input => {
      const ref = refOf(input)
      if (ref.kind === 'stack' && ref.layers.some(layer => layer.kind === 'lazy'))
        await trees.stack(ref, signal)
    }),
  )
}
