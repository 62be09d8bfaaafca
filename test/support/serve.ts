import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type Background, startBackground } from './background.ts'

const root = join(import.meta.dirname, '..', '..')

/** A `slipway serve` of the test's own. */
export interface Serve extends Background {
  /** `unix://…`, or what was asked for. */
  readonly address: string
}

/** What to start. */
export interface ServeOptions {
  /** Scratch folder: short, since the socket lies in it. */
  readonly dir: string
  readonly name: string
  /** `unix://…` in the folder if absent. */
  readonly address?: string
  /** Further words of the command line. */
  readonly flags?: readonly string[]
  /** A command that runs the program given as its last arguments: a network namespace of its own. */
  readonly by?: readonly [string, ...string[]]
}

/** Starts a daemon with a state directory of its own. Needs root, as its builds do. */
export async function startServe(options: ServeOptions): Promise<Serve> {
  const { dir, name } = options
  const state = join(dir, `state-${name}`)
  await mkdir(state, { recursive: true })
  const address = options.address ?? `unix://${join(dir, `${name}.sock`)}`
  const command = [
    join(root, 'slipway'),
    'serve',
    '--addr',
    address,
    '--root',
    state,
    ...(options.flags ?? []),
  ]
  const listening = /running server on ([^\s"]+)/
  const server = await startBackground([...(options.by ?? []), ...command] as [string, ...string[]], {
    env: { ...process.env, SLIPWAY_NODE: process.execPath, DOCKER_CONFIG: join(dir, 'serve-config') },
    ready: output => listening.test(output),
  })
  return {
    ...server,
    address: listening.exec(server.output())?.[1] ?? address,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}
