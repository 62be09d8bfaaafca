import { SlipwayError } from '../errors/slipway-error.ts'
import { filepathMatch } from '../gostd/filepath-match.ts'
import { quote } from '../gostd/quote.ts'
import { tryMatch } from './try-match.ts'
import { compareText } from '../hcl/value/compare-text.ts'
import { applyOverrides } from './apply-override.ts'
import { attributesOf } from './attrs/attribute-csv.ts'
import { addGrants, type EntitlementGrants, noGrants } from './entitlements.ts'
import { mergeTarget, normalizeTarget } from './merge-target.ts'
import { type Overrides, parseOverrides } from './override.ts'
import { rebasePath } from './path-bases.ts'
import type { Definition, Group, Target } from './target.ts'
import { sanitizeTargetName } from './target-name.ts'

/** What a call builds. */
export interface Resolved {
  /** The groups concerned by name; `default` lists what was asked for. */
  readonly groups: ReadonlyMap<string, Group>
  /** The targets to build by name, those included that only serve as contexts of others. */
  readonly targets: ReadonlyMap<string, Target>
  /** What overrides on the command line permit by themselves. */
  readonly grants: EntitlementGrants
}

/** What `resolveTargets` needs besides the definition. */
export interface ResolveOptions {
  /** Values of `--set`. */
  readonly overrides?: readonly string[]
  /** Variables of the environment, for `--set x.args.NAME`. */
  readonly environment?: (name: string) => string | undefined
  /** Context paths are relative to the files they stand in. */
  readonly fileRelativePaths?: boolean
}

/**
 * Finds the targets that names, patterns and groups stand for, with inheritance, overrides and target contexts resolved.
 * Throws `invalid-argument` or `not-found` in the words of bake.
 */
export function resolveTargets(
  definition: Definition,
  names: readonly string[],
  options: ResolveOptions = {},
): Resolved {
  const asked = distinct(
    (names.length > 0 ? names : ['default']).map(sanitizeTargetName).flatMap(n => matchNames(definition, n)),
  )
  const environment = options.environment ?? ((): undefined => undefined)
  const overrides = parseOverrides(options.overrides ?? [], definition.targets, environment)
  const resolver = new Resolver(definition, overrides, options.fileRelativePaths === true)
  const groups = new Map<string, Group>()
  for (const name of asked) {
    const expanded = expandGroup(definition, name, new Map())
    for (const target of distinct(expanded.targets))
      if (!resolver.targets.has(target)) resolver.targets.set(target, resolver.resolve(target))
    for (const group of distinct(expanded.groups)) {
      const found = definition.groups.find(g => g.name === group)
      if (found !== undefined) groups.set(group, found)
    }
  }
  addDefaultGroup(groups, asked)
  for (const name of [...resolver.targets.keys()]) resolver.link(name, [])
  return { groups, targets: sortByName(resolver.targets), grants: resolver.grants }
}

/** The group `default` names what was asked for, sorted; itself only where it would be empty otherwise. */
function addDefaultGroup(groups: Map<string, Group>, asked: readonly string[]): void {
  const existing = groups.get('default')
  const added = asked.filter((name, i) => name !== 'default' || (existing === undefined && i === 0))
  groups.set('default', {
    ...(existing ?? { name: 'default', description: '' }),
    targets: distinct([...(existing?.targets ?? []), ...added]).sort(compareText),
  })
}

function distinct(names: readonly string[]): string[] {
  return [...new Set(names)]
}

function sortByName(targets: ReadonlyMap<string, Target>): ReadonlyMap<string, Target> {
  return new Map([...targets].sort((a, b) => compareText(a[0], b[0])))
}

function matchNames({ groups, targets }: Definition, pattern: string): string[] {
  if (!/[*?[\]]/.test(pattern)) return [pattern]
  const names = [...groups, ...targets]
    .map(e => e.name)
    .filter(name => tryMatch(() => filepathMatch(pattern, name)))
  if (names.length === 0)
    throw new SlipwayError('not-found', `could not find any target matching ${quote(pattern)}`)
  return names
}

interface Expansion {
  readonly targets: readonly string[]
  readonly groups: readonly string[]
}

/** The targets and groups that a name stands for, depth first; a group inside itself adds nothing. */
function expandGroup(definition: Definition, name: string, visited: Map<string, Expansion>): Expansion {
  const before = visited.get(name)
  if (before !== undefined) return before
  const group = definition.groups.find(g => g.name === name)
  if (group === undefined) return { targets: [name], groups: [] }
  visited.set(name, { targets: [], groups: [] })
  const targets: string[] = []
  const groups = [name]
  for (const member of group.targets) {
    const inner = expandGroup(definition, member, visited)
    for (const t of inner.targets.length > 0 ? inner.targets : [member]) targets.push(t)
    for (const g of inner.groups) groups.push(g)
  }
  const expansion = { targets: distinct(targets), groups: distinct(groups) }
  visited.set(name, expansion)
  return expansion
}

class Resolver {
  readonly targets = new Map<string, Target>()
  grants: EntitlementGrants = noGrants
  readonly #definition: ReadonlyMap<string, Target>
  readonly #overrides: Overrides
  /** Targets all of whose contexts are resolved. */
  readonly #linked = new Set<string>()
  readonly #relative: boolean

  constructor(definition: Definition, overrides: Overrides, relative: boolean) {
    this.#definition = new Map(definition.targets.map(t => [t.name, t]))
    this.#overrides = overrides
    this.#relative = relative
  }

  /** A target with everything it inherits, ready to be built. */
  resolve(name: string): Target {
    const target = this.#inherited(name, new Map(), 0) as Target
    const start = this.#relative ? rebasePath(target.bases?.byDefault, '.') : '.'
    const dockerfile =
      target.dockerfile === undefined || target.dockerfile === '' ? 'Dockerfile' : target.dockerfile
    return { ...target, name, context: target.context ?? start, dockerfile }
  }

  #inherited(name: string, visited: Map<string, Target | undefined>, depth: number): Target | undefined {
    if (visited.has(name)) return visited.get(name)
    if (depth > 1000)
      throw new SlipwayError('invalid-argument', `target ${name} inherits from too many others`)
    visited.set(name, undefined)
    const own = this.#definition.get(name)
    if (own === undefined) throw new SlipwayError('not-found', `failed to find target ${name}`)
    let merged: Target = { name }
    for (const parent of own.inherits ?? []) {
      const inherited = this.#inherited(parent, visited, depth + 1)
      if (inherited !== undefined) merged = mergeTarget(merged, inherited)
    }
    // Whom a target inherits from has done its work here: it is not handed on.
    const { inherits: _, ...rest } = own
    merged = mergeTarget(merged, rest)
    const { target, grants } = applyOverrides(merged, this.#overrides.get(name) ?? new Map())
    this.grants = addGrants(this.grants, grants)
    const normalized = normalizeTarget(target)
    visited.set(name, normalized)
    return normalized
  }

  /** Resolves the targets that a target uses as contexts, and takes over the entitlements they need. */
  link(name: string, path: readonly string[]): void {
    if (this.#linked.has(name)) return
    const through = [...path, name]
    for (const value of (this.targets.get(name) as Target).contexts?.values() ?? []) {
      if (!value.startsWith('target:')) continue
      const other = value.slice('target:'.length)
      if (other === name) throw new SlipwayError('invalid-argument', `target ${other} cannot link to itself`)
      if (through.includes(other))
        throw new SlipwayError('invalid-argument', `infinite loop from ${name} to ${other}`)
      if (through.length > 500)
        throw new SlipwayError('invalid-argument', `target ${name} is linked through too many others`)
      if (!this.targets.has(other)) {
        this.targets.set(other, {
          ...this.resolve(other),
          outputs: [{ type: 'cacheonly', attributes: attributesOf() }],
          linked: true,
        })
      }
      this.link(other, through)
      this.#join(name, other)
    }
    this.#linked.add(name)
  }

  #join(name: string, other: string): void {
    const user = this.targets.get(name) as Target
    const used = this.targets.get(other) as Target
    const missing = (used.entitlements ?? []).filter(e => user.entitlements?.includes(e) !== true)
    if (missing.length > 0)
      this.targets.set(name, { ...user, entitlements: [...(user.entitlements ?? []), ...missing] })
    const [wanted, offered] = [user.platforms ?? [], used.platforms ?? []]
    if (wanted.length < 2 || offered.length < 2 || wanted.every(p => offered.includes(p))) return
    const lists = `[${wanted.join(' ')}] are not a subset of [${offered.join(' ')}]`
    throw new SlipwayError(
      'invalid-argument',
      `target ${other} can't be used by ${name} because its platforms ${lists}`,
    )
  }
}
