import { spawn } from 'node:child_process'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..', '..')
const bin = join(root, 'node_modules', '.bin')

/** A check of the sources that is not a test: one program, which ends with 0 when all is well. */
export interface StaticCheck {
  readonly name: string
  readonly command: readonly [string, ...string[]]
}

/** Format, lint and types, in the order in which a failure is cheapest to mend. */
export const staticChecks: readonly StaticCheck[] = [
  { name: 'format', command: [join(bin, 'biome'), 'format', 'src', 'test', 'scripts'] },
  { name: 'lint', command: [join(bin, 'oxlint'), '--type-aware', 'src', 'test', 'scripts'] },
  { name: 'types', command: [join(bin, 'tsc'), '-p', '.', '--noEmit'] },
]

/** Runs one check; prints its output only when it fails. */
export async function runStaticCheck(check: StaticCheck): Promise<boolean> {
  const started = Date.now()
  // The programs are shell or node scripts: they have to find the Node that runs this one.
  const env = { ...process.env, PATH: `${join(process.execPath, '..')}:${process.env['PATH'] ?? ''}` }
  const [program, ...args] = check.command
  const child = spawn(program, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] })
  const output: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => output.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => output.push(chunk))
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  const seconds = ((Date.now() - started) / 1000).toFixed(1)
  console.log(`${code === 0 ? 'ok    ' : 'FAILED'} ${check.name} (${seconds} s)`)
  if (code !== 0) process.stdout.write(Buffer.concat(output))
  return code === 0
}
