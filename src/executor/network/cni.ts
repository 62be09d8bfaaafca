import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { isSlipwayError, SlipwayError } from '../../errors/slipway-error.ts'
import { isAlive, type ProcessIdentity, processIdentity } from '../../sys/process-identity.ts'
import { run } from '../../sys/spawn.ts'
import { type CniNetwork, parseCniNetwork, pluginInput } from './cni-config.ts'
import type { NetworkProvider, NetworkRequest } from './network-provider.ts'

/** Where configuration, plugins and records are. */
export interface CniOptions {
  /** A `.conflist` or a single plugin's `.conf`/`.json`. BuildKit's default: /etc/buildkit/cni.json. */
  readonly configPath: string
  /** Directory of plugins. BuildKit's default: /opt/cni/bin. */
  readonly binaryDir: string
  /** A directory of ours for records of connected containers. */
  readonly stateDir: string
  readonly searchPath: string
}

/** What must be told to the plugins again when a container goes. */
interface Attachment {
  readonly id: string
  readonly hostname: string
  readonly network: CniNetwork
  readonly result: unknown
  readonly owner: ProcessIdentity | undefined
}

const loopback: CniNetwork = { name: 'cni-loopback', cniVersion: '0.3.1', plugins: [{ type: 'loopback' }] }

/**
 * Connects containers through CNI plugins: a loopback interface and `eth0`. The namespace ends with its container even
 * when we are killed; what plugins keep on the host (addresses) is then given back by the next start.
 * Source: https://github.com/containernetworking/cni/blob/spec-v1.0.0/SPEC.md
 */
export async function createCniProvider(options: CniOptions): Promise<NetworkProvider> {
  const network = parseCniNetwork(await readConfig(options.configPath))
  await mkdir(options.stateDir, { recursive: true, mode: 0o700 })
  await releaseAbandoned(options)
  return {
    namespace: 'wrapper',
    attach: async (request, signal) => {
      await call(options, loopback, 'ADD', request, 'lo', undefined, signal)
      const record = join(options.stateDir, `${request.id}.json`)
      const base = { id: request.id, hostname: request.hostname, network, owner: processIdentity() }
      await save(record, { ...base, result: undefined })
      const release = async (attachment: Attachment, namespace: string): Promise<void> => {
        await detach(options, attachment, namespace)
        await rm(record, { force: true })
      }
      try {
        const result = await call(options, network, 'ADD', request, 'eth0', undefined, signal)
        const attachment = { ...base, result }
        await save(record, attachment)
        return { [Symbol.asyncDispose]: () => release(attachment, '') }
      } catch (error) {
        await release({ ...base, result: undefined }, request.namespace)
        throw error
      }
    },
  }
}

async function readConfig(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    throw new SlipwayError('failed-precondition', `failed to read cni config "${path}"`, {
      cause,
      hint: 'name an existing CNI configuration, or use network mode host',
    })
  }
}

async function save(path: string, attachment: Attachment): Promise<void> {
  await writeFile(path, JSON.stringify(attachment), { mode: 0o600 })
}

/** Runs the chain of plugins forwards (ADD) or backwards (DEL); the result of one is the `prevResult` of the next. */
async function call(
  options: CniOptions,
  network: CniNetwork,
  command: 'ADD' | 'DEL',
  request: NetworkRequest,
  interfaceName: string,
  previous: unknown,
  signal?: AbortSignal,
): Promise<unknown> {
  let result = previous
  const plugins = command === 'ADD' ? network.plugins : [...network.plugins].reverse()
  for (const plugin of plugins) {
    const output = await runPlugin(options, plugin.type, {
      env: environment(options, command, request, interfaceName),
      input: pluginInput(network, plugin, result),
      signal,
    })
    if (command === 'ADD') result = output.trim() === '' ? result : (JSON.parse(output) as unknown)
  }
  return result
}

function environment(
  options: CniOptions,
  command: string,
  request: NetworkRequest,
  interfaceName: string,
): Record<string, string> {
  const args = request.hostname === '' ? '' : `K8S_POD_NAME=${request.hostname};IgnoreUnknown=1`
  return {
    PATH: [options.binaryDir, options.searchPath].join(delimiter),
    CNI_COMMAND: command,
    CNI_CONTAINERID: request.id,
    CNI_NETNS: request.namespace,
    CNI_IFNAME: interfaceName,
    CNI_PATH: options.binaryDir,
    ...(args === '' ? {} : { CNI_ARGS: args }),
  }
}

async function runPlugin(
  options: CniOptions,
  type: string,
  call: { env: Record<string, string>; input: string; signal: AbortSignal | undefined },
): Promise<string> {
  const { code, stdout, stderr } = await run(join(options.binaryDir, type), [], {
    env: call.env,
    input: call.input,
    success: Array.from({ length: 256 }, (_, i) => i),
    signal: call.signal,
  })
  if (code === 0) return stdout.toString('utf8')
  throw new SlipwayError(
    'failed-precondition',
    `CNI setup error: plugin type="${type}": ${complaint(stdout, stderr)}`,
  )
}

/** A failing plugin answers with `{code, msg, details}`. */
function complaint(stdout: Buffer, stderr: Buffer): string {
  try {
    const { msg, details } = JSON.parse(stdout.toString('utf8')) as { msg?: string; details?: string }
    return [msg, details].filter(Boolean).join('; ')
  } catch {
    return (stderr.length > 0 ? stderr : stdout).toString('utf8').trim()
  }
}

async function detach(options: CniOptions, attachment: Attachment, namespace: string): Promise<void> {
  const { id, hostname, network, result } = attachment
  await call(options, network, 'DEL', { id, hostname, namespace }, 'eth0', result)
}

async function releaseAbandoned(options: CniOptions): Promise<void> {
  for (const name of await readdir(options.stateDir)) {
    const path = join(options.stateDir, name)
    try {
      const attachment = JSON.parse(await readFile(path, 'utf8')) as Attachment
      if (attachment.owner !== undefined && isAlive(attachment.owner)) continue
      await detach(options, attachment, '')
    } catch (error) {
      // A record that cannot be read, or a plugin that is gone: there is nothing more to give back.
      if (!(error instanceof SyntaxError) && !isSlipwayError(error)) throw error
    }
    await rm(path, { force: true })
  }
}
