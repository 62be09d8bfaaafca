import type { Measured } from './measure.ts'

/** A build that every contender can do; those that read no bake files fail where one is given. */
export interface Job {
  /** Folder of the context, with the Dockerfile in it. */
  readonly context: string
  readonly buildArgs?: Readonly<Record<string, string>>
  readonly platforms?: readonly string[]
  readonly output: JobOutput
  /** Name of a bake file in the context: all its targets are built in one call, without outputs. */
  readonly bake?: string
}

/** What becomes of the result: nothing, a tagged image in the builder's own store, an OCI archive, or a push. */
export type JobOutput =
  | { readonly kind: 'none' }
  | { readonly kind: 'store'; readonly tag: string }
  | { readonly kind: 'oci'; readonly file: string; readonly compression: 'gzip' | 'zstd' }
  | { readonly kind: 'push'; readonly reference: string }

/** A builder on the bench. */
export interface Contender extends AsyncDisposable {
  readonly name: string
  /** What exactly it is, for the table. */
  readonly version: string
  build(job: Job): Promise<Measured>
}
