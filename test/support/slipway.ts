import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type RunResult, tryRun } from '../../scripts/setup/run.ts'

const root = join(import.meta.dirname, '..', '..')

/** The command line as a user has it in a clone, with a state directory and settings of the test's own. */
export interface SlipwayCommand {
  /** The program. */
  readonly path: string
  readonly env: NodeJS.ProcessEnv
  /** Runs it to its end; does not throw for a failing command. */
  try(...args: string[]): Promise<RunResult>
  /** Runs it and returns both streams as text, stderr first; throws when it fails. */
  run(...args: string[]): Promise<string>
}

/** Where it runs, and what it knows of registries. */
export interface SlipwayOptions {
  /** Scratch folder: state and settings lie in it. */
  readonly dir: string
  /** Registries (`host:port`, plain HTTP) that serve as mirrors of docker.io. */
  readonly mirrors?: readonly string[]
  readonly env?: NodeJS.ProcessEnv
}

/** Gives access to `./slipway` of this clone. */
export async function openSlipway(options: SlipwayOptions): Promise<SlipwayCommand> {
  const { dir } = options
  await mkdir(join(dir, 'docker'), { recursive: true })
  const config = join(dir, 'buildkitd.toml')
  const mirrors = JSON.stringify(options.mirrors ?? [])
  const hosts = (options.mirrors ?? []).map(host => `[registry."${host}"]\n  http = true\n`)
  await writeFile(config, `[registry."docker.io"]\n  mirrors = ${mirrors}\n${hosts.join('')}`)
  const { DOCKER_HOST: _host, BUILDX_BUILDER: _builder, ...inherited } = process.env
  const own = { SLIPWAY_ROOT: join(dir, 'state'), SLIPWAY_CONFIG: config, DOCKER_CONFIG: join(dir, 'docker') }
  const env = { ...inherited, SLIPWAY_NODE: process.execPath, ...own, ...options.env }
  const path = join(root, 'slipway')
  const attempt = (...args: string[]): Promise<RunResult> => tryRun([path, ...args], { env, cwd: dir })
  return {
    path,
    env,
    try: attempt,
    run: async (...args) => {
      const { code, stdout, stderr } = await attempt(...args)
      if (code === 0) return stderr + stdout
      throw new Error(
        `slipway ${args.join(' ')} ended with ${code ?? 'a signal'}:\n${(stderr + stdout).slice(-6000)}`,
      )
    },
  }
}

/** Path of one of the example projects that stand beside the end-to-end tests. */
export function example(name: string): string {
  return join(root, 'test', 'e2e', 'examples', name)
}
