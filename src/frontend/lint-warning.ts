import type { LintWarning } from '../dockerfile/linter/linter.ts'
import { encodeDefinition } from '../llb/definition.ts'
import type { VertexWarning } from '../status/solve-status.ts'
import type { Entrypoint } from './entrypoint.ts'

/** A warning of the linter as clients show it: `Rule: message (line N)`. */
export function lintWarning(warning: LintWarning, entrypoint: Entrypoint): VertexWarning {
  const { rule, message, description, url, ranges } = warning
  const line = ranges[0]?.start.line ?? 0
  const { filename, data, language, definition } = entrypoint.file
  const from = definition === undefined ? {} : { definition: encodeDefinition(definition) }
  return {
    vertex: entrypoint.vertex,
    level: 1,
    short: `${rule}: ${message}${line > 0 ? ` (line ${line})` : ''}`,
    detail: [description],
    source: { filename, data, language, ranges, ...from },
    ...(url === '' ? {} : { url }),
  }
}
