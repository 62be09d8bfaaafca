import type { ResolvedOutput } from '../build/outputs.ts'

/** Where a build goes that has no output: into the local store, by its names, else by its digest alone. */
export function storeOutput(tags: readonly string[]): ResolvedOutput {
  return {
    type: 'image',
    attrs: {
      name: tags.join(','),
      'dangling-name-prefix': 'slipway.local/build',
      'danging-name-empty-only': 'true', // spelled so: moby/buildkit v0.32.2 exporter/containerimage/exptypes/keys.go
    },
  }
}
