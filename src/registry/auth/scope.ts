/** The right to read from a repository. Source: distribution docs/spec/auth/scope.md. */
export function pullScope(path: string): string {
  return `repository:${path}:pull`
}

/** The right to read from and write to a repository. */
export function pushScope(path: string): string {
  return `repository:${path}:pull,push`
}

/** Scopes merged by resource, actions and resources sorted; texts with several scopes in them are split. */
export function normalizeScopes(scopes: readonly string[]): readonly string[] {
  return [...byResource(scopes)]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([resource, actions]) => `${resource}:${[...actions].sort().join(',')}`)
}

/** Whether `granted` includes everything that `wanted` asks for. */
export function scopesContain(granted: readonly string[], wanted: readonly string[]): boolean {
  const have = byResource(granted)
  return [...byResource(wanted)].every(([resource, actions]) =>
    actions.isSubsetOf(have.get(resource) ?? new Set()),
  )
}

/** Actions by `type:name`. The name itself may contain colons (a port): the actions come after the last one. */
function byResource(scopes: readonly string[]): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>()
  for (const scope of scopes.flatMap(s => s.split(' '))) {
    if (scope === '') continue
    const colon = scope.lastIndexOf(':')
    const resource = colon < 0 ? scope : scope.slice(0, colon)
    const actions = found.get(resource) ?? new Set()
    for (const action of colon < 0 ? [] : scope.slice(colon + 1).split(',')) actions.add(action)
    found.set(resource, actions)
  }
  return found
}
