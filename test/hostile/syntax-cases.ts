import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Dockerfiles by name: `#### name`, then the file. */
export function syntaxCases(): ReadonlyMap<string, string> {
  const parts = readFileSync(join(import.meta.dirname, 'syntax.txt'), 'utf8')
    .split(/^#### /m)
    .slice(1)
  return new Map(parts.map(part => [part.slice(0, part.indexOf('\n')), part.slice(part.indexOf('\n') + 1)]))
}

/** What is compared of a command's end: its code, and what it says beside the progress. */
export interface Complaint {
  readonly code: number
  readonly said: readonly string[]
}

/** The comparable part. Hints are Slipway's own. */
export function complaintOf(result: { readonly code: number; readonly stderr: string }): Complaint {
  const lines = result.stderr
    .replaceAll(/\x1b\[\d*m/g, '')
    .replaceAll('\r', '')
    .split('\n')
  const said = lines
    .filter(
      line =>
        line.trim() !== '' &&
        !/^#\d+ |^hint: |^View build details|http2: server connection error|^WARNING: No output/.test(line),
    )
    .map(line =>
      line
        .replaceAll(/sha256:[0-9a-f]{64}/g, 'sha256:…')
        .replace(/ref [0-9a-z]{25}::[0-9a-z]{25}/, 'ref …')
        .replace(/^\d+\.\d{3} /, ''),
    )
  return { code: result.code, said }
}
