import { readFileSync } from 'node:fs'

/** One line of a uid or gid map: `length` ids from `inside` on are ids from `outside` on in the parent namespace. */
export interface IdRange {
  readonly inside: number
  readonly outside: number
  readonly length: number
}

const all = 4294967295

/** Parses the text of /proc/<pid>/uid_map or gid_map. Source: user_namespaces(7). */
export function parseIdMap(text: string): IdRange[] {
  return text
    .split('\n')
    .map(line => line.trim().split(/\s+/).map(Number))
    .filter(fields => fields.length === 3)
    .map(([inside = 0, outside = 0, length = 0]) => ({ inside, outside, length }))
}

/** Tells whether this process runs in a user namespace other than the first one (it cannot make devices there). */
export function inUserNamespace(): boolean {
  try {
    const map = parseIdMap(readFileSync('/proc/self/uid_map', 'utf8'))
    return !(map.length === 1 && map[0]?.inside === 0 && map[0].outside === 0 && map[0].length === all)
  } catch {
    return false
  }
}
