import type { SeccompRule, SeccompSpec } from './runtime-spec.ts'
import {
  deniedErrno,
  type ProfileRule,
  profileRules,
  type SeccompCondition,
  seccompArchitectures,
} from './seccomp-rules.ts'

/** What the profile depends on. */
export interface SeccompFacts {
  /** The machine in Go's words (`amd64`). */
  readonly arch: string
  /** Bounding set of the container. */
  readonly capabilities: readonly string[]
  /** Kernel release (`uname -r`): `6.1.0-13-amd64`. */
  readonly kernel: string
}

/**
 * The default profile as it is for one machine, kernel and capability set. Calls that it does not name fail with EPERM;
 * names that the runtime's libseccomp does not know are skipped by the runtime.
 */
export function defaultSeccomp(facts: SeccompFacts): SeccompSpec {
  const architectures = seccompArchitectures[facts.arch]
  return {
    defaultAction: 'SCMP_ACT_ERRNO',
    defaultErrnoRet: deniedErrno,
    ...(architectures === undefined ? {} : { architectures: [...architectures] }),
    syscalls: profileRules.filter(rule => holds(rule.when, facts)).map(asRule),
  }
}

function holds(when: SeccompCondition | undefined, facts: SeccompFacts): boolean {
  if (when === undefined) return true
  const has = (cap: string): boolean => facts.capabilities.includes(cap)
  return (
    (when.caps ?? []).every(has) &&
    !(when.withoutCaps ?? []).some(has) &&
    (when.arches === undefined || when.arches.includes(facts.arch)) &&
    !(when.withoutArches ?? []).includes(facts.arch) &&
    (when.kernel === undefined || kernelAtLeast(facts.kernel, when.kernel))
  )
}

function asRule(rule: ProfileRule): SeccompRule {
  const names = rule.names.split(/\s+/)
  if (rule.errno !== undefined) return { names, action: 'SCMP_ACT_ERRNO', errnoRet: rule.errno }
  if (rule.arg === undefined) return { names, action: 'SCMP_ACT_ALLOW' }
  const [index, op, value, valueTwo] = rule.arg
  const arg = { index, value, ...(valueTwo === undefined ? {} : { valueTwo }), op }
  return { names, action: 'SCMP_ACT_ALLOW', args: [arg] }
}

/** Compares a kernel release with a version; a release that cannot be read counts as old. */
export function kernelAtLeast(release: string, [major, minor]: readonly [number, number]): boolean {
  const found = /^(\d+)\.(\d+)/.exec(release)
  if (found === null) return false
  const [a, b] = [Number(found[1]), Number(found[2])]
  return a > major || (a === major && b >= minor)
}
