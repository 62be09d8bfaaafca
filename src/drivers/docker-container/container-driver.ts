import type { Duplex } from 'node:stream'
import { anySignal, sleep } from '../../async/abort.ts'
import { connectDuplex } from '../../buildkit/client/connect.ts'
import { isSlipwayError, SlipwayError } from '../../errors/slipway-error.ts'
import type { StatusWriter } from '../../status/solve-status.ts'
import { type BootStep, bootStep } from '../boot-step.ts'
import { demultiplex, FrameReader } from '../docker/multiplexed.ts'
import type { DockerApi } from '../docker/docker-api.ts'
import type { Driver, NodeStatus } from '../driver.ts'
import type { DriverOptions } from '../driver-options.ts'
import { containerOptions } from './container-options.ts'
import { createContainer } from './create-container.ts'

/** Container of a node. */
export const containerName = (node: string): string => `buildx_buildkit_${node}`

/** How often a new daemon is asked whether it is there. Source: buildx v0.36.1 driver/docker-container/driver.go */
const mostTries = 15

/** How long one such question may take, ms. */
const tryLimit = 20_000

/** How long after its start a daemon may still be coming up, ms. */
const youth = 60_000

/** How long after it was made a container is left to whoever made it, ms. */
const othersPatience = 5000

/**
 * BuildKit in a container of its own, run by a docker daemon. Behaviour:
 * https://github.com/docker/buildx/blob/v0.36.1/driver/docker-container/driver.go
 */
export function createContainerDriver(options: DriverOptions): Driver {
  const settings = containerOptions(options.driverOpts)
  const api = options.docker()
  const name = containerName(options.nodeName)
  const status = (signal: AbortSignal): Promise<NodeStatus> => containerStatus(api, name, signal)
  const open: Driver['open'] = async signal => {
    const { attached } = await startExec(api, name, ['buildctl', 'dial-stdio'], signal)
    return demultiplex(attached, () => {})
  }
  const ready = (step: BootStep, signal: AbortSignal): Promise<void> => waitForDaemon(api, name, step, signal)
  return {
    name: 'docker-container',
    status,
    open,
    dial: async signal => connectDuplex(await open(signal)),
    bootstrap: (write: StatusWriter, signal) =>
      bootStep(write, '[internal] booting buildkit', async step => {
        if ((await status(signal)) === 'inactive') {
          await createContainer({ ...options, api, name, settings, step, signal }, () => ready(step, signal))
          return
        }
        // Another process may be about to give it its configuration and to start it.
        await startedByOthers(api, name, signal)
        await step.part(`starting container ${name}`, async () => {
          await api.call(`/containers/${name}/start`, { method: 'POST', signal })
          await ready(step, signal)
        })
      }),
    async ready(signal) {
      const { State } = await inspectContainer(api, name, signal)
      const age = Date.now() - Date.parse(State?.StartedAt ?? '')
      if (age >= 0 && age < youth) await waitForDaemon(api, name, undefined, signal)
    },
    version: async signal => {
      const { code, stdout } = await runExec(api, name, ['buildkitd', '--version'], signal)
      const words = stdout.trim().split(/\s+/)
      if (code === 0 && words.length === 4 && words[2] !== undefined) return words[2]
      throw new SlipwayError('unknown', `unexpected version format: ${stdout}`)
    },
    features: async () => ({
      ociExporter: true,
      dockerExporter: true,
      cacheExport: true,
      multiPlatform: true,
      attestations: true,
      keepsImages: false,
      defaultLoad: settings.defaultLoad,
    }),
    async stop(_options, signal) {
      if ((await status(signal)) === 'running') {
        await api.call(`/containers/${name}/stop`, { method: 'POST', signal })
      }
    },
    async remove({ force, keepState, keepDaemon }, signal) {
      if (keepDaemon || (await status(signal)) === 'inactive') return
      const query = { v: '1', ...(force ? { force: '1' } : {}) }
      await api.call(`/containers/${name}`, { method: 'DELETE', query, signal })
      if (!keepState) await api.call(`/volumes/${name}_state`, { method: 'DELETE', signal, accept: [404] })
    },
  }
}

/** What docker says of a container, as far as it counts here. */
interface ContainerFacts {
  readonly Created?: string
  readonly State?: { readonly Running?: boolean; readonly Status?: string; readonly StartedAt?: string }
  readonly HostConfig?: { readonly RestartPolicy?: { readonly Name?: string } }
}

async function inspectContainer(api: DockerApi, name: string, signal: AbortSignal): Promise<ContainerFacts> {
  const found = await api.json(`/containers/${name}/json`, { signal })
  return typeof found === 'object' && found !== null ? found : {}
}

/** Settles when a container that was made a moment ago runs, or when nobody starts it. */
async function startedByOthers(api: DockerApi, name: string, signal: AbortSignal): Promise<void> {
  for (;;) {
    const { Created = '', State } = await inspectContainer(api, name, signal)
    const age = Date.now() - Date.parse(Created)
    if (State?.Status !== 'created' || !(age >= 0 && age < othersPatience)) return
    await sleep(100, signal)
  }
}

/** Whether a container's daemon has ended and nobody will start it again. */
async function hasEnded(api: DockerApi, name: string, signal: AbortSignal): Promise<boolean> {
  const { State, HostConfig } = await inspectContainer(api, name, signal)
  return State?.Status === 'exited' && HostConfig?.RestartPolicy?.Name === 'no'
}

async function containerStatus(api: DockerApi, name: string, signal: AbortSignal): Promise<NodeStatus> {
  try {
    const found = await inspectContainer(api, name, signal)
    return found.State?.Running === true ? 'running' : 'stopped'
  } catch (error) {
    if (isSlipwayError(error) && error.code === 'not-found') return 'inactive'
    throw error
  }
}

async function startExec(
  api: DockerApi,
  name: string,
  command: readonly string[],
  signal: AbortSignal,
): Promise<{ readonly id: string; readonly attached: Duplex }> {
  const created = (await api.json(`/containers/${name}/exec`, {
    method: 'POST',
    body: { json: { AttachStdin: true, AttachStdout: true, AttachStderr: true, Cmd: command } },
    signal,
  })) as { readonly Id?: string } | undefined
  const id = created?.Id ?? ''
  if (!/^[A-Za-z0-9]+$/.test(id)) throw new SlipwayError('unknown', 'exec ID empty')
  const attached = await api.hijack(`/exec/${id}/start`, 'tcp', {
    body: { json: { Detach: false, Tty: false } },
    signal,
  })
  return { id, attached }
}

async function runExec(
  api: DockerApi,
  name: string,
  command: readonly string[],
  signal: AbortSignal,
): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }> {
  const { id, attached } = await startExec(api, name, command, signal)
  const texts = ['', '', '']
  const reader = new FrameReader((stream, data) => {
    texts[stream === 2 ? 2 : 1] += data.toString('utf8')
  })
  for await (const chunk of attached) reader.push(chunk as Buffer)
  const ended = (await api.json(`/exec/${id}/json`, { signal })) as { readonly ExitCode?: number } | undefined
  return { code: ended?.ExitCode ?? 1, stdout: texts[1] ?? '', stderr: texts[2] ?? '' }
}

async function waitForDaemon(
  api: DockerApi,
  name: string,
  step: BootStep | undefined,
  signal: AbortSignal,
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const limit = anySignal(signal, AbortSignal.timeout(tryLimit))
    const answer = await runExec(api, name, ['buildctl', 'debug', 'workers'], limit).catch(
      (error: unknown) => {
        if (signal.aborted) throw error
        return { code: -1, stdout: '', stderr: error instanceof Error ? error.message : String(error) }
      },
    )
    if (answer.code === 0) return
    if (attempt > mostTries || (attempt > 1 && (await hasEnded(api, name, signal)))) {
      if (step !== undefined) {
        await showLogs(api, name, step, signal).catch(() => undefined)
        step.log(1, Buffer.from(answer.stdout))
        step.log(2, Buffer.from(answer.stderr))
      }
      const why = answer.code === -1 ? answer.stderr : `exit code ${answer.code}`
      throw new SlipwayError('unavailable', why, {
        hint: `the log above is that of the container ${name}: \`docker logs ${name}\` shows it again`,
      })
    }
    await sleep(attempt * 120, signal)
  }
}

async function showLogs(api: DockerApi, name: string, step: BootStep, signal: AbortSignal): Promise<void> {
  const { body } = await api.call(`/containers/${name}/logs`, { query: { stdout: '1', stderr: '1' }, signal })
  const reader = new FrameReader((stream, data) => step.log(stream === 2 ? 2 : 1, Buffer.from(data)))
  for await (const chunk of body) reader.push(chunk as Buffer)
}
