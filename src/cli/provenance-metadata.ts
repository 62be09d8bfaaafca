import { listHistory, readHistoryBlob } from '../buildkit/client/history.ts'
import { tryParseBool } from '../gostd/parse-number.ts'
import type { BuildkitConnection } from '../session/connection.ts'

/** How much of a build's provenance the metadata file gets. */
export type ProvenanceMode = 'min' | 'max' | 'disabled'

/** The mode that `BUILDX_METADATA_PROVENANCE` asks for: `min` unless it says something else. */
export function provenanceMode(text: string | undefined): ProvenanceMode {
  if (text === 'max' || text === 'disabled') return text
  return tryParseBool(text ?? '') === false ? 'disabled' : 'min'
}

/**
 * Provenance that the daemon's history keeps of a build, as members of its metadata: `buildx.build.provenance`, with the
 * platform behind it where there are several. Values are base64 of JSON in the form of SLSA 0.2. Source:
 * https://github.com/docker/buildx/blob/v0.36.1/build/provenance.go
 */
export async function provenanceMetadata(
  connection: BuildkitConnection,
  ref: string,
  mode: 'min' | 'max',
  signal: AbortSignal,
): Promise<Readonly<Record<string, string>>> {
  const { records } = await listHistory(connection, { ref }, signal)
  const found: Record<string, string> = {}
  for (const record of records) {
    const results = Object.entries(record.Results).map(([platform, info]) => [`/${platform}`, info] as const)
    const infos =
      results.length > 0 ? results : record.Result === undefined ? [] : [['', record.Result] as const]
    for (const [suffix, info] of infos) {
      const blob = info.Attestations.find(one => isProvenance(one.annotations[predicateKey] ?? ''))
      if (blob === undefined) continue
      const predicate: unknown = JSON.parse(
        Buffer.from(await readHistoryBlob(connection, blob, signal)).toString('utf8'),
      )
      const is1 = blob.annotations[predicateKey] === 'https://slsa.dev/provenance/v1'
      const old = is1 ? toSlsa02(objectOf(predicate)) : objectOf(predicate)
      const kept = mode === 'max' ? old : { ...old, buildConfig: undefined, metadata: undefined }
      found[`buildx.build.provenance${suffix}`] = Buffer.from(JSON.stringify(kept)).toString('base64')
    }
  }
  return found
}

const predicateKey = 'in-toto.io/predicate-type'

const isProvenance = (type: string): boolean => type.startsWith('https://slsa.dev/provenance/')

type Json = Readonly<Record<string, unknown>>

const objectOf = (value: unknown): Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {}

/** A predicate of SLSA 1 in the form of 0.2, as BuildKit converts them. */
function toSlsa02(predicate: Json): Json {
  const definition = objectOf(predicate['buildDefinition'])
  const details = objectOf(predicate['runDetails'])
  const external = objectOf(definition['externalParameters'])
  const { buildConfig, builderPlatform, dockerfileVersion, ...custom } = objectOf(
    definition['internalParameters'],
  )
  const { uri, digest, path } = objectOf(external['configSource'])
  const metadata = objectOf(details['metadata'])
  const complete = objectOf(metadata['buildkit_completeness'])
  return {
    builder: { id: objectOf(details['builder'])['id'] ?? '' },
    buildType: 'https://mobyproject.org/buildkit@v1',
    materials: definition['resolvedDependencies'],
    invocation: {
      configSource: { uri, digest, entryPoint: path },
      parameters: external['request'],
      environment: { ...custom, dockerfileVersion, platform: builderPlatform },
    },
    buildConfig,
    metadata: {
      buildInvocationID: metadata['invocationId'],
      buildStartedOn: metadata['startedOn'],
      buildFinishedOn: metadata['finishedOn'],
      completeness: {
        parameters: complete['request'],
        environment: true,
        materials: complete['resolvedDependencies'],
      },
      reproducible: metadata['buildkit_reproducible'] ?? false,
      'https://mobyproject.org/buildkit@v1#metadata': metadata['buildkit_metadata'],
      'https://mobyproject.org/buildkit@v1#hermetic': metadata['buildkit_hermetic'],
    },
  }
}
