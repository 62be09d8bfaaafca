import { decodeName } from '../../bytes/path-string.ts'
import { parseStages } from '../../dockerfile/instructions/parse-stages.ts'
import { parseDockerfile } from '../../dockerfile/parser/parse.ts'
import { goJson, type JsonValue } from '../../gostd/json.ts'
import { tabulate } from '../../gostd/tabwriter.ts'
import { locationJson } from './location-json.ts'
import { requests } from './request.ts'

/** The facts that answer `frontend.targets`: every stage of the file. Throws `invalid-argument`. */
export function listTargets(dockerfile: Uint8Array): Record<string, string> {
  const { stages } = parseStages(parseDockerfile(decodeName(dockerfile)))
  const targets = stages.map((stage, i): JsonValue => {
    const isDefault = i === stages.length - 1
    return {
      name: stage.name || undefined,
      default: isDefault || undefined,
      description: stage.description || undefined,
      base: stage.base || undefined,
      platform: stage.platform || undefined,
      location: locationJson(stage.ranges),
    }
  })
  const rows = stages.map(({ name, description }, i) => {
    const shown = i < stages.length - 1 ? name : name === '' ? '(default)' : `${name} (default)`
    return `${shown}\t${description}\n`
  })
  return {
    'result.json': goJson(
      { targets: targets.length === 0 ? null : targets, sources: [dockerfile] },
      { indent: '  ' },
    ),
    'result.txt': tabulate(`TARGET\tDESCRIPTION\n${rows.join('')}`),
    version: requests.targets.version,
  }
}
