/** A statement about a result, to be attached to the image. */
export interface Attestation<Ref> {
  /** `bundle`: the tree holds a directory of statements at `path`. */
  readonly kind: 'in-toto' | 'bundle'
  readonly ref: Ref | undefined
  readonly path: string
  readonly metadata: ReadonlyMap<string, Uint8Array>
  readonly predicateType: string
}

/**
 * What a frontend answers: one tree (`ref`), or one for each platform by its name (`refs`), and facts about them.
 * Keys of the facts: `containerimage.config[/platform]`, `containerimage.base.config[/platform]`,
 * `source.date.epoch[/platform]`, `refs.platforms`; of sub-requests `result.json`, `result.txt`, `version`.
 */
export interface FrontendResult<Ref> {
  readonly ref: Ref | undefined
  readonly refs: ReadonlyMap<string, Ref | undefined>
  readonly metadata: ReadonlyMap<string, Uint8Array>
  /** By platform. */
  readonly attestations: ReadonlyMap<string, readonly Attestation<Ref>[]>
}

/** Names of facts. Source: https://github.com/moby/buildkit/blob/v0.32.2/exporter/containerimage/exptypes/types.go */
export const resultKey = {
  imageConfig: 'containerimage.config',
  baseConfig: 'containerimage.base.config',
  platforms: 'refs.platforms',
  epoch: 'source.date.epoch',
} as const

/** A result without trees, only with facts. */
export function factsResult<Ref>(facts: Readonly<Record<string, string>>): FrontendResult<Ref> {
  const encoder = new TextEncoder()
  const metadata = Object.entries(facts).map(([key, text]) => [key, encoder.encode(text)] as const)
  return { ref: undefined, refs: new Map(), metadata: new Map(metadata), attestations: new Map() }
}
