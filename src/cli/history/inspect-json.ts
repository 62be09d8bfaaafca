import { goJson, type JsonValue } from '../../gostd/json.ts'
import { formatMoment } from '../../gostd/time.ts'
import type { InspectedBuild } from './inspect-record.ts'

/** A build as programs read it; times RFC 3339, the duration in nanoseconds. */
export function inspectFields(build: InspectedBuild): { readonly [key: string]: JsonValue } {
  const { started, completed, Attachments, Error: error, ...rest } = build
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
    StartedAt: formatMoment(started.seconds, started.nanos),
    CompletedAt: completed === undefined ? undefined : formatMoment(completed.seconds, completed.nanos),
    Duration: durationOf(build) || undefined,
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

/** Nanoseconds: exact where the build has ended. */
function durationOf({ started, completed, durationMs }: InspectedBuild): number {
  if (completed === undefined) return Math.round(durationMs * 1e6)
  return Number(completed.seconds - started.seconds) * 1e9 + completed.nanos - started.nanos
}

/** The same as text. */
export const inspectJson = (build: InspectedBuild): string =>
  `${goJson(inspectFields(build), { indent: '  ' })}\n`
