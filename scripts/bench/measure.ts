import { spawn } from 'node:child_process'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/** What one run of a contender took. */
export interface Measured {
  /** Wall time, ms. */
  readonly ms: number
  /** Largest sum of resident memory of its processes at any moment seen, bytes; what runs in containers is left out. */
  readonly peak: number
}

/** Runs a command to its end; `daemons` are processes that work for it. Throws with the end of its output when it fails. */
export async function measure(
  command: readonly [string, ...string[]],
  options: { readonly env: NodeJS.ProcessEnv; readonly cwd: string; readonly daemons: readonly number[] },
): Promise<Measured> {
  const [program, ...args] = command
  const started = process.hrtime.bigint()
  const child = spawn(program, args, {
    env: options.env,
    cwd: options.cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  const keep = (chunk: Buffer): void => {
    output = (output + chunk.toString()).slice(-20_000)
  }
  child.stdout.on('data', keep)
  child.stderr.on('data', keep)
  let peak = 0
  const sample = (): void => {
    const roots = child.pid === undefined ? options.daemons : [child.pid, ...options.daemons]
    peak = Math.max(peak, residentMemory(roots))
  }
  const timer = setInterval(sample, 50)
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  }).finally(() => clearInterval(timer))
  const ms = Number(process.hrtime.bigint() - started) / 1e6
  if (code !== 0)
    throw new Error(`${command.join(' ')} failed (${code ?? 'killed'}):\n${output.slice(-3000)}`)
  return { ms, peak }
}

/** Resident memory of processes and their descendants, without those in another pid namespace (containers). */
function residentMemory(roots: readonly number[]): number {
  const children = new Map<number, number[]>()
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const parent = parentOf(name)
    if (parent !== undefined) children.set(parent, [...(children.get(parent) ?? []), Number(name)])
  }
  const own = namespaceOf('self')
  const seen = new Set<number>()
  const queue = [...roots]
  let total = 0
  for (let pid = queue.pop(); pid !== undefined; pid = queue.pop()) {
    if (seen.has(pid) || namespaceOf(pid) !== own) continue
    seen.add(pid)
    total += residentOf(pid)
    queue.push(...(children.get(pid) ?? []))
  }
  return total
}

// A process may end at any moment between two reads: what cannot be read any more counts nothing.

function parentOf(pid: string): number | undefined {
  const stat = attempt(() => readFileSync(`/proc/${pid}/stat`, 'utf8'))
  return stat === undefined ? undefined : Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
}

function residentOf(pid: number): number {
  const status = attempt(() => readFileSync(`/proc/${pid}/status`, 'utf8')) ?? ''
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024
}

function namespaceOf(pid: number | 'self'): string | undefined {
  return attempt(() => readlinkSync(`/proc/${pid}/ns/pid`))
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}

/** The middle value; the mean of the two middle ones of an even count. NaN for none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length / 2
  if (sorted.length % 2 === 1) return sorted[Math.floor(middle)] ?? Number.NaN
  return ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2
}
