import { readFileSync } from 'node:fs'
import { wrapError } from '../../errors/slipway-error.ts'
import { goJson, type JsonValue } from '../../gostd/json.ts'
import { tryParseBool } from '../../gostd/parse-number.ts'

/** Variables of a job that go together: a group counts when all of it is set. None of them is secret. */
const groups: readonly (readonly string[])[] = [
  ['ACTOR', 'ACTOR_ID', 'TRIGGERING_ACTOR'],
  ['REF', 'REF_NAME', 'REF_PROTECTED', 'REF_TYPE'],
  ['REPOSITORY', 'REPOSITORY_ID', 'REPOSITORY_OWNER', 'REPOSITORY_OWNER_ID'],
  ['JOB', 'RUN_ATTEMPT', 'RUN_ID', 'RUN_NUMBER', 'SERVER_URL', 'WORKFLOW', 'WORKFLOW_REF', 'WORKFLOW_SHA'],
]

/** Those of the machine that runs the job, by the names they have in the document. */
const runner: Readonly<Record<string, string>> = {
  github_runner_arch: 'RUNNER_ARCH',
  github_runner_environment: 'RUNNER_ENVIRONMENT',
  github_runner_image_os: 'ImageOS',
  github_runner_image_version: 'ImageVersion',
  github_runner_name: 'RUNNER_NAME',
  github_runner_os: 'RUNNER_OS',
  github_runner_tracking_id: 'RUNNER_TRACKING_ID',
}

/**
 * What a GitHub Actions job is, as JSON for the daemon's provenance; undefined outside of one. Throws where the event's
 * file cannot be read. Source: https://github.com/docker/buildx/blob/v0.36.1/util/ghutil/ghutil.go
 */
export function githubContext(env: Readonly<Record<string, string | undefined>>): Uint8Array | undefined {
  if (tryParseBool(env['GITHUB_ACTIONS'] ?? '') !== true) return undefined
  const name = env['GITHUB_EVENT_NAME'] ?? ''
  const path = env['GITHUB_EVENT_PATH'] ?? ''
  if (name === '' || path === '') return undefined
  const facts = new Map<string, JsonValue>([
    ['github_event_name', name],
    ['github_event_payload', readEvent(path)],
  ])
  for (const group of groups) {
    if (!group.every(key => (env[`GITHUB_${key}`] ?? '') !== '')) continue
    for (const key of group) facts.set(`github_${key.toLowerCase()}`, env[`GITHUB_${key}`])
  }
  if (Object.values(runner).every(name => (env[name] ?? '') !== '')) {
    for (const [key, name] of Object.entries(runner)) facts.set(key, env[name])
  }
  const sorted = new Map([...facts].toSorted(([a], [b]) => (a < b ? -1 : 1)))
  return Buffer.from(goJson(sorted))
}

function readEvent(path: string): JsonValue {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as JsonValue
  } catch (error) {
    throw wrapError(`failed to read GITHUB_EVENT_PATH ${JSON.stringify(path)}`, error)
  }
}
