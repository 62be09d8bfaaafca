import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type RunResult, tryRun } from '../../scripts/setup/run.ts'

const root = join(import.meta.dirname, '..', '..')

/** The command line as a user has it in a clone, with a state directory and settings of the test's own. */
export interface SlipwayCommand {
  /** What to start before the arguments: the program, perhaps with words before it. */
  readonly command: readonly [string, ...string[]]
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
  /** A command that runs the program given as its last arguments: another user, other mounts. */
  readonly by?: readonly [string, ...string[]]
  /** The clone, where it is not this one. */
  readonly clone?: string
}

/** Gives access to `./slipway` of this clone. It builds with the embedded engine, also where a docker daemon answers. */
export async function openSlipway(options: SlipwayOptions): Promise<SlipwayCommand> {
  const { dir } = options
  await mkdir(join(dir, 'docker'), { recursive: true })
  const config = join(dir, 'buildkitd.toml')
  const mirrors = JSON.stringify(options.mirrors ?? [])
  const hosts = (options.mirrors ?? []).map(host => `[registry."${host}"]\n  http = true\n`)
  await writeFile(config, `[registry."docker.io"]\n  mirrors = ${mirrors}\n${hosts.join('')}`)
  const { DOCKER_HOST: _host, ...inherited } = process.env
  const own = { SLIPWAY_ROOT: join(dir, 'state'), SLIPWAY_CONFIG: config, DOCKER_CONFIG: join(dir, 'docker') }
  const env = {
    ...inherited,
    SLIPWAY_NODE: process.execPath,
    BUILDX_BUILDER: 'slipway',
    ...own,
    ...options.env,
  }
  const path = join(options.clone ?? root, 'slipway')
  const command: readonly [string, ...string[]] = options.by === undefined ? [path] : [...options.by, path]
  const attempt = (...args: string[]): Promise<RunResult> => tryRun([...command, ...args], { env, cwd: dir })
  return {
    command,
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
