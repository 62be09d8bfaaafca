import { type Digest, digestOf } from './digest.ts'

/**
 * Chain IDs of a list of layers: the identity of each layer together with all below it.
 * Source: OCI image-spec 1.1 config.md, "Layer ChainID".
 */
export function chainIds(diffIds: readonly Digest[]): readonly Digest[] {
  const chain: Digest[] = []
  for (const diffId of diffIds) {
    const below = chain.at(-1)
    chain.push(below === undefined ? diffId : digestOf(`${below} ${diffId}`))
  }
  return chain
}
