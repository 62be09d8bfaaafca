/** Features of each amd64 level beyond the one before, as /proc/cpuinfo names them. Source: x86-64 psABI 1.0, table 3.1. */
const levels: readonly (readonly [level: string, flags: string])[] = [
  ['v2', 'cx16 lahf_lm popcnt pni sse4_1 sse4_2 ssse3'],
  ['v3', 'avx avx2 bmi1 bmi2 f16c fma abm movbe xsave'],
  ['v4', 'avx512f avx512bw avx512cd avx512dq avx512vl'],
]

/** The levels above the first that a CPU has (`v2`, `v3`, `v4`), from the text of /proc/cpuinfo. */
export function amd64Levels(cpuinfo: string): readonly string[] {
  const flags = new Set(/^flags\s*:\s*(.*)$/m.exec(cpuinfo)?.[1]?.split(' '))
  const found: string[] = []
  for (const [level, needed] of levels) {
    if (!needed.split(' ').every(flag => flags.has(flag))) break
    found.push(level)
  }
  return found
}
