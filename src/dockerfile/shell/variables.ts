/** Values that `$name` may stand for. */
export interface Variables {
  get(name: string): string | undefined
  /** Names in the order of their first definition. */
  keys(): readonly string[]
}

/** No variable at all. */
export const noVariables: Variables = { get: () => undefined, keys: () => [] }

/** Variables from `NAME=value` entries; the last entry of a name counts. */
export function variablesOf(entries: readonly string[]): Variables {
  const values = new Map<string, string>()
  for (const entry of entries) {
    const at = entry.indexOf('=')
    values.set(at < 0 ? entry : entry.slice(0, at), at < 0 ? '' : entry.slice(at + 1))
  }
  return { get: name => values.get(name), keys: () => [...values.keys()] }
}
