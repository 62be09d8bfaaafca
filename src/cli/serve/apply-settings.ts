import { SlipwayError } from '../../errors/slipway-error.ts'

/** What a flag may put into a configuration. */
export type DocumentValue = string | number | boolean | readonly string[]

type Document = Readonly<Record<string, unknown>>

/**
 * A configuration document with what the command line says put over it. Lists replace lists; labels are added to labels.
 * Throws `invalid-argument` in BuildKit's words.
 */
export function applySettings(document: Document, settings: ReadonlyMap<string, DocumentValue>): Document {
  let result = document
  for (const [key, value] of settings) {
    if (key === 'worker.oci.labels')
      for (const label of value as readonly string[]) result = put(result, ...labelOf(label))
    else if (key === 'worker.oci.keepstorage') result = putLimits(result, String(value))
    else result = put(result, key.split('.'), value)
  }
  return result
}

function labelOf(text: string): [readonly string[], string] {
  const at = text.indexOf('=')
  if (at < 0) throw new SlipwayError('invalid-argument', `invalid value ${text}`)
  return [['worker', 'oci', 'labels', text.slice(0, at)], text.slice(at + 1)]
}

/** `RESERVED[,FREE[,MAXIMUM]]` in megabytes. */
function putLimits(document: Document, text: string): Document {
  let result = document
  const names = ['reservedSpace', 'minFreeSpace', 'maxUsedSpace'] as const
  const parts = text.split(',')
  for (const [i, name] of names.entries()) {
    const part = parts[i] ?? (i === 0 ? text : '0')
    if (!/^\d+$/.test(part))
      throw new SlipwayError('invalid-argument', `failed to parse storage ${JSON.stringify(text)}`, {
        hint: 'write megabytes: RESERVED[,FREE[,MAXIMUM]]',
      })
    result = put(result, ['worker', 'oci', name], Number(part) * 1e6)
  }
  return result
}

function put(document: Document, path: readonly string[], value: unknown): Document {
  const [key = '', ...rest] = path
  if (rest.length === 0) return { ...document, [key]: value }
  const inner = document[key]
  const table =
    typeof inner === 'object' && inner !== null && !Array.isArray(inner) ? (inner as Document) : {}
  return { ...document, [key]: put(table, rest, value) }
}
