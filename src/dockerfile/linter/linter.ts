import { SlipwayError } from '../../errors/slipway-error.ts'
import type { Range } from '../../errors/source-range.ts'
import { DirectiveReader } from '../parser/directive.ts'
import { type LintOptions, parseLintOptions } from './options.ts'
import type { Rule } from './rule.ts'

/** A rule that was broken, and where. */
export interface LintWarning {
  readonly rule: string
  readonly description: string
  readonly url: string
  readonly message: string
  readonly ranges: readonly Range[]
  /** Slipway's own rule: does not count as a failed check. */
  readonly advisory: boolean
}

/** Receives warnings. */
export interface Linter {
  /** Reports that `rule` is broken at `ranges`. */
  report<A extends readonly string[]>(rule: Rule<A>, ranges: readonly Range[], ...subjects: A): void
  /** A linter that also obeys `# check=` in the comments above an instruction. */
  withComments(comments: readonly string[]): Linter
  /** Throws `failed-precondition` where a warning was reported and warnings are errors. */
  check(): void
}

/** Reports nothing. */
export const silentLinter: Linter = { report: () => {}, withComments: () => silentLinter, check: () => {} }

/** A linter that hands its warnings to `warn`. */
export function createLinter(options: LintOptions, warn: (warning: LintWarning) => void): Linter {
  const called = new Set<string>()
  const make = (current: LintOptions): Linter => ({
    report(rule, ranges, ...subjects) {
      if (!isOn(rule.name, rule.experimental ?? false, current)) return
      const advisory = rule.advisory ?? false
      if (!advisory) called.add(rule.name)
      const { name, description, url } = rule
      warn({ rule: name, description, url, message: rule.message(...subjects), ranges, advisory })
    },
    withComments(comments) {
      const found = optionsOf(comments)
      return found === undefined ? this : make(merge(current, found))
    },
    check() {
      if (!options.failOnWarning || called.size === 0) return
      const names = [...called].join(', ')
      throw new SlipwayError('failed-precondition', `lint violation found for rules: ${names}`)
    },
  })
  return make(options)
}

function isOn(name: string, experimental: boolean, options: LintOptions): boolean {
  if (experimental) return options.experimentalAll || options.experimental.includes(name)
  return !options.skipAll && !options.skip.includes(name)
}

function merge(a: LintOptions, b: LintOptions): LintOptions {
  return {
    skip: [...a.skip, ...b.skip],
    skipAll: a.skipAll || b.skipAll,
    experimental: [...a.experimental, ...b.experimental],
    experimentalAll: a.experimentalAll || b.experimentalAll,
    failOnWarning: a.failOnWarning,
  }
}

/** The first `check=` among the comments of an instruction; a broken one is ignored. */
function optionsOf(comments: readonly string[]): LintOptions | undefined {
  for (const comment of comments) {
    const directive = new DirectiveReader('').read(comment)
    if (directive?.name !== 'check') continue
    try {
      return parseLintOptions(directive.value.split(' ', 1)[0] as string)
    } catch {
      return undefined
    }
  }
  return undefined
}
