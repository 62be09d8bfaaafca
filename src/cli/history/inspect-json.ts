import { goJson, type JsonValue } from '../../gostd/json.ts'
import { formatRfc3339Nano } from '../../gostd/time.ts'
import type { InspectedBuild } from './inspect-record.ts'

/** A build as programs read it; times RFC 3339, the duration in nanoseconds. */
export function inspectFields(build: InspectedBuild): { readonly [key: string]: JsonValue } {
  const { startedMs, completedMs, durationMs, Attachments, Error: error, ...rest } = build
  return {
    Name: rest.Name,
    Ref: rest.Ref,
    Context: rest.Context,
    Dockerfile: rest.Dockerfile,
    VCSRepository: rest.VCSRepository,
    VCSRevision: rest.VCSRevision,
    Target: rest.Target,
    Platform: rest.Platform,
    KeepGitDir: rest.KeepGitDir,
    NamedContexts: rest.NamedContexts?.map(one => ({ ...one })),
    StartedAt: formatRfc3339Nano(startedMs),
    CompletedAt: completedMs === undefined ? undefined : formatRfc3339Nano(completedMs),
    Duration: durationMs === 0 ? undefined : Math.round(durationMs * 1e6),
    Status: rest.Status,
    Error: error === undefined ? undefined : { ...error },
    NumCompletedSteps: rest.NumCompletedSteps,
    NumTotalSteps: rest.NumTotalSteps,
    NumCachedSteps: rest.NumCachedSteps,
    BuildArgs: rest.BuildArgs?.map(one => ({ ...one })),
    Labels: rest.Labels?.map(one => ({ ...one })),
    Config: { ...rest.Config } as JsonValue,
    Materials: rest.Materials?.map(one => ({ ...one })),
    Attachments: Attachments?.map(({ digest, platform, type }) => ({
      Digest: digest,
      Platform: platform,
      Type: type,
    })),
  }
}

/** The same as text. */
export const inspectJson = (build: InspectedBuild): string =>
  `${goJson(inspectFields(build), { indent: '  ' })}\n`
