import { mkdir, writeFile } from 'node:fs/promises'
import { peerPath } from '../../scripts/setup/peers.ts'
import { findProgram } from '../../scripts/setup/programs.ts'
import { run, type RunResult, tryRun } from '../../scripts/setup/run.ts'
import { type Dockerd, startDockerd } from './dockerd.ts'
import { makeScratch, type Scratch } from './scratch.ts'
import { openSlipway, type SlipwayCommand } from './slipway.ts'

/** Where tests of whole commands work: the command line with a state of its own, and a context to build. */
export interface Place extends AsyncDisposable {
  readonly scratch: Scratch
  readonly slipway: SlipwayCommand
  /** The folder `context` of the scratch folder. */
  readonly context: string
  /** Runs the real docker-buildx with the same settings; does not throw for a failing command. */
  readonly buildx: (...args: string[]) => Promise<RunResult>
}

/** A place in front of a docker daemon. */
export interface DockerPlace extends Place {
  readonly dockerd: Dockerd
}

/** Opens a place. Its context holds a file `x` and a Dockerfile that copies it, or `busybox` and nothing else. */
export async function openPlace(
  options: { readonly busybox?: boolean; readonly env?: NodeJS.ProcessEnv } = {},
): Promise<Place> {
  await using stack = new AsyncDisposableStack()
  const scratch = stack.use(await makeScratch())
  return { ...(await furnish(scratch, options)), ...ending(stack.move()) }
}

/** Opens a place with a dockerd of its own, which is in use there; no builder is chosen. Needs root. */
export async function openDockerPlace(
  options: { readonly containerdStore?: boolean } = {},
): Promise<DockerPlace> {
  await using stack = new AsyncDisposableStack()
  const scratch = stack.use(await makeScratch())
  const dockerd = stack.use(await startDockerd({ dir: scratch.path('d'), ...options }))
  const place = await furnish(scratch, { env: { DOCKER_HOST: dockerd.host, BUILDX_BUILDER: '' } })
  return { ...place, dockerd, ...ending(stack.move()) }
}

const ending = (stack: AsyncDisposableStack): AsyncDisposable => ({
  [Symbol.asyncDispose]: () => stack.disposeAsync(),
})

async function furnish(
  scratch: Scratch,
  { busybox, env = {} }: { readonly busybox?: boolean; readonly env?: NodeJS.ProcessEnv },
): Promise<Omit<Place, keyof AsyncDisposable>> {
  const slipway = await openSlipway({ dir: scratch.dir, env })
  const context = scratch.path('context')
  await mkdir(context)
  if (busybox === true) {
    await run(['cp', findProgram('busybox') ?? '/bin/busybox', scratch.path('context', 'busybox')])
  } else {
    await writeFile(scratch.path('context', 'Dockerfile'), 'FROM scratch\nCOPY x /x\n')
    await writeFile(scratch.path('context', 'x'), 'x')
  }
  const buildx = (...args: string[]): Promise<RunResult> =>
    tryRun([peerPath('docker-buildx-new') ?? '', ...args], { env: slipway.env, cwd: scratch.dir })
  return { scratch, slipway, context, buildx }
}
