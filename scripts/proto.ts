import { spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'

// Writes src/proto/gen/ anew from the .proto files beside it. Needs no network: nothing remote is imported.
const root = join(import.meta.dirname, '..')
const cwd = join(root, 'src', 'proto')
const bin = join(root, 'node_modules', '.bin')

rmSync(join(cwd, 'gen'), { recursive: true, force: true })
const { status, error } = spawnSync(join(bin, 'buf'), ['generate'], {
  cwd,
  stdio: 'inherit',
  // The plugin starts by `env node`: let it find the Node that runs this script.
  env: { ...process.env, PATH: [dirname(process.execPath), bin, process.env['PATH'] ?? ''].join(delimiter) },
})
if (error) throw error
process.exitCode = status ?? 1
