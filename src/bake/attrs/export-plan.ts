import { tryParseBool } from '../../gostd/parse-number.ts'
import { type Attributes, attributesOf, invalid } from './attribute-csv.ts'
import type { ExportEntry } from './export-entry.ts'

/** An output as an exporter gets it, with where its result goes on this machine. */
export interface PlannedExport {
  readonly type: string
  readonly attributes: Attributes
  /** The folder that is filled. */
  readonly directory?: string
  /** The file that is written, `-` for standard output. */
  readonly file?: string
}

/** What planning may look at. */
export interface ExportSurroundings {
  /** What stands at a path now. */
  readonly stat: (path: string) => 'file' | 'directory' | undefined
  readonly stdoutIsTerminal: boolean
}

/**
 * Checks outputs against what is on the disk and turns `registry` into a pushed image. Throws `invalid-argument` in the
 * words of buildx. Source: https://github.com/docker/buildx/blob/v0.36.1/build/utils.go, `CreateExports`.
 */
export function planExports(
  entries: readonly ExportEntry[],
  { stat, stdoutIsTerminal }: ExportSurroundings,
): PlannedExport[] {
  let stdoutUsed = false
  return entries.map(entry => {
    const attributes = attributesOf(Object.entries(entry.attributes))
    if (entry.type === 'registry') {
      return {
        type: 'image',
        attributes: attributesOf([
          ['unpack', 'false'],
          ...Object.entries(entry.attributes),
          ['push', 'true'],
        ]),
      }
    }
    const target = exportTarget(entry)
    const destination = exportDestination(entry)
    if (target === 'directory') {
      if (destination === undefined) throw invalid(`dest is required for ${entry.type} exporter`)
      if (destination === '-') throw invalid(`dest cannot be stdout for ${entry.type} exporter`)
      if (stat(destination) === 'file') throw invalid(`destination directory ${destination} is a file`)
      return { type: entry.type, attributes, directory: destination }
    }
    if (target === 'none' || destination === undefined) return { type: entry.type, attributes }
    if (destination === '-') {
      if (stdoutUsed) throw invalid('multiple outputs configured to write to stdout')
      if (stdoutIsTerminal)
        throw invalid(`dest file is required for ${entry.type} exporter. refusing to write to console`)
      stdoutUsed = true
    } else if (stat(destination) === 'directory')
      throw invalid(`destination file ${destination} is a directory`)
    return { type: entry.type, attributes, file: destination }
  })
}

function exportTarget(entry: ExportEntry): 'directory' | 'file' | 'none' {
  if (entry.type === 'local') return 'directory'
  if (entry.type === 'tar') return 'file'
  if (entry.type !== 'oci' && entry.type !== 'docker') return 'none'
  return tryParseBool(entry.attributes['tar'] ?? '') === false ? 'directory' : 'file'
}

/** Where the result goes: `-` for archives without a destination (docker loads its image instead). */
export function exportDestination(entry: ExportEntry): string | undefined {
  if (entry.destination !== undefined || entry.type === 'docker' || exportTarget(entry) !== 'file')
    return entry.destination
  return '-'
}

/** The folders and files that the outputs write. */
export function exportPaths(plans: readonly PlannedExport[]): string[] {
  return plans.flatMap(p => p.directory ?? (p.file === undefined || p.file === '-' ? [] : p.file))
}
