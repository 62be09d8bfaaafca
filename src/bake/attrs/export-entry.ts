import { csvFields } from '../../gostd/csv.ts'
import {
  attributePairs,
  type Attributes,
  attributesOf,
  invalid,
  sameAttributes,
  splitField,
  withoutRepeats,
  writePairs,
} from './attribute-csv.ts'

/** One value of `--output`: where the result of a build goes. */
export interface ExportEntry {
  readonly type: string
  /** A path, or `-` for standard output; absent when the exporter needs none. */
  readonly destination?: string
  readonly attributes: Attributes
}

/** Reads `type=…,dest=…,key=value`, a bare path (`type=local`) or `-` (`type=tar`). Throws `invalid-argument`. */
export function parseExportEntry(text: string): ExportEntry {
  const fields = csvFields(text)
  if (fields.length === 1 && fields[0] === text && !text.startsWith('type=')) {
    return { type: text === '-' ? 'tar' : 'local', destination: text, attributes: attributesOf() }
  }
  return makeExportEntry(fields.map(splitField).map(([key, value]) => [key.toLowerCase().trim(), value]))
}

/** An entry from keys and values, of which `type` and `dest` are its own. Throws `invalid-argument` without a type. */
export function makeExportEntry(pairs: readonly (readonly [string, string])[]): ExportEntry {
  const attributes = attributesOf(pairs)
  const { type = '', dest = '' } = attributes
  delete attributes['type']
  delete attributes['dest']
  if (type === '') throw invalid('type is required for output')
  return { type, ...(dest === '' ? {} : { destination: dest }), attributes }
}

/** Reads all values of `--output`; empty ones are left out. */
export function parseExportEntries(values: readonly string[]): ExportEntry[] {
  return values.filter(v => v !== '').map(parseExportEntry)
}

/** The entry as it is written on the command line. */
export function writeExportEntry(e: ExportEntry): string {
  const own: [string, string][] = [['type', e.type]]
  if (e.destination !== undefined) own.push(['dest', e.destination])
  return writePairs([...own, ...attributePairs(e.attributes)])
}

/** The entries without repetitions. */
export function distinctExports(entries: readonly ExportEntry[]): ExportEntry[] {
  return withoutRepeats(
    entries,
    (a, b) =>
      a.type === b.type && a.destination === b.destination && sameAttributes(a.attributes, b.attributes),
  )
}
