import type { BuildRequest } from '../../build/build-request.ts'
import { definitionJson } from '../../bake/print-definition.ts'
import { goJson, type JsonValue } from '../../gostd/json.ts'
import { type CallResult, callResult } from '../commands/call-result.ts'
import type { Host } from '../host.ts'
import type { SolvedBuild } from '../solve-build.ts'
import type { BakePlan } from './plan-builds.ts'

/** A target that was asked a question instead of being built. */
interface Answer extends CallResult {
  readonly name: string
  readonly call: string
}

/**
 * Prints what targets answered to `--call`: one after the other, or with `format=json` as the definition with the answers
 * in it. The exit status is the first one that is not 0.
 */
export function printCalls(
  plan: BakePlan,
  requests: ReadonlyMap<string, BuildRequest>,
  results: ReadonlyMap<string, SolvedBuild>,
  host: Host,
): number {
  const answers: Answer[] = []
  for (const [name, request] of requests) {
    const { call } = request
    const result = results.get(name)
    if (call === undefined || result === undefined) continue
    answers.push({ name, call, ...callResult(request, result.metadata) })
  }
  const asJson = answers.some(({ call }) => call.includes(',format=json'))
  host.stdout.write(asJson ? jsonText(plan, answers) : sections(plan, answers))
  if (answers.some(({ error }) => error !== undefined)) return 1
  return answers.find(({ status }) => status !== 0)?.status ?? 0
}

function sections(plan: BakePlan, answers: readonly Answer[]): string {
  const texts = answers.map(({ name, text, error }) => {
    const description = plan.targets.get(name)?.description ?? ''
    const failed = error === undefined ? '' : `error: ${error.message}\n`
    return `${name}\n${description === '' ? '' : `${description}\n`}\n${text}${failed}`
  })
  return texts.join('\n')
}

function jsonText(plan: BakePlan, answers: readonly Answer[]): string {
  const { group, target } = definitionJson(plan.groups, plan.targets)
  const builds = target as ReadonlyMap<string, JsonValue>
  const byName = new Map(answers.map(answer => [answer.name, answer]))
  const targets = new Map<string, JsonValue>()
  for (const [name, build] of builds) {
    const answer = byName.get(name)
    const said = answer === undefined ? {} : { [methodOf(answer.call)]: parsed(answer) }
    targets.set(name, { build, ...said })
  }
  return `${goJson({ group, target: targets }, { indent: '  ' })}\n`
}

function methodOf(call: string): string {
  const [name = ''] = call.replace(/^frontend\./, '').split(',')
  return name === 'lint' ? 'check' : name
}

function parsed({ text }: Answer): JsonValue {
  try {
    const value = JSON.parse(text) as JsonValue
    // The real tool keeps the members of an answer as they are, and itself in a map.
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? new Map(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value
  } catch {
    return text
  }
}
