import { type JsonValue, sortKeys } from '../gostd/json.ts'
import type { ProvenanceParts } from './predicate.ts'

/** The same facts in the older form. Source: https://slsa.dev/spec/v0.2/provenance */
export function predicateV02(parts: ProvenanceParts): JsonValue {
  const { uri, digest, path } = parts.configSource
  return {
    builder: { id: parts.builderId },
    buildType: 'https://mobyproject.org/buildkit@v1',
    materials:
      parts.materials.length === 0
        ? undefined
        : parts.materials.map(material => ({ uri: material.uri, digest: material.digest ?? null })),
    invocation: {
      configSource: { uri, digest, entryPoint: path },
      parameters: parts.parameters,
      environment: sortKeys({
        platform: parts.platform,
        dockerfileVersion: parts.dockerfileVersion,
        ...parts.environment,
      }),
    },
    buildConfig: parts.buildConfig,
    metadata: {
      buildInvocationID: parts.invocationId,
      buildStartedOn: parts.startedOn,
      buildFinishedOn: parts.finishedOn,
      completeness: {
        parameters: parts.completeRequest,
        environment: true,
        materials: parts.completeMaterials,
      },
      reproducible: parts.reproducible,
      'https://mobyproject.org/buildkit@v1#metadata': parts.buildkit,
      'https://mobyproject.org/buildkit@v1#hermetic': parts.hermetic || undefined,
    },
  }
}
