import { SlipwayError } from '../errors/slipway-error.ts'
import { compareNames } from '../bytes/path-string.ts'
import { type Capability, capability } from './capability.ts'
import type { OpOptions } from './options.ts'
import type { State } from './state.ts'
import { type ExecMount, type ExecSecret, type ExecSsh, type ExecVertex, outputOf } from './vertex.ts'

/** What a step runs, besides what it inherits from its state. */
export interface ExecOptions extends OpOptions {
  readonly args: readonly string[]
  readonly mounts?: readonly ExecMount[]
  readonly secrets?: readonly ExecSecret[]
  readonly ssh?: readonly ExecSsh[]
  readonly devices?: ExecVertex['devices']
  readonly proxy?: ExecVertex['proxy']
  readonly network?: ExecVertex['network'] | undefined
  readonly security?: ExecVertex['security'] | undefined
  readonly extraHosts?: ExecVertex['extraHosts']
  readonly ulimits?: ExecVertex['ulimits']
  readonly cgroupParent?: string
  readonly validExitCodes?: readonly number[]
  readonly readonlyRoot?: boolean
}

/** Runs a process on a state. Throws `invalid-argument` where there is nothing to run. */
export function exec(state: State, options: ExecOptions): ExecVertex {
  const { args, mounts = [], secrets = [], ssh = [], devices = [], proxy, readonlyRoot, ...more } = options
  const {
    network = state.network,
    security = state.security,
    extraHosts = [],
    ulimits = [],
    ...others
  } = more
  const { cgroupParent = '', validExitCodes, ...metadata } = others
  if (args.length === 0)
    throw new SlipwayError('invalid-argument', 'failed to marshal LLB definition: arguments are required')
  if (state.dir === '') throw new SlipwayError('invalid-argument', 'working directory is required')
  const root: ExecMount = { target: '/', source: state.output, readonly: readonlyRoot ?? false }
  const agents = ssh.map((agent, i) => ({ ...agent, target: agent.target || `/run/buildkit/ssh_agent.${i}` }))
  const vertex: ExecVertex = {
    kind: 'exec',
    args,
    env: environment(state, agents[0]?.target),
    cwd: state.dir,
    user: state.user,
    hostname: state.hostname,
    cgroupParent,
    network,
    security,
    proxy,
    extraHosts,
    ulimits,
    validExitCodes,
    mounts: [root, ...mounts].sort((a, b) => compareNames(a.target, b.target)),
    secrets,
    ssh: agents,
    devices,
    metadata: { ...metadata, platform: metadata.platform ?? state.platform, capabilities: [] },
  }
  return { ...vertex, metadata: { ...vertex.metadata, capabilities: capabilitiesOf(vertex) } }
}

/** The state after a step: its changed root, with everything inherited as before. */
export function execState(state: State, options: ExecOptions): State {
  const vertex = exec(state, options)
  return { ...state, output: options.readonlyRoot ? state.output : outputOf(vertex, mountIndex(vertex, '/')) }
}

/** Which output of a step is the changed tree at `target`; throws `invalid-argument` where there is none. */
export function mountIndex(vertex: ExecVertex, target: string): number {
  const index = vertex.mounts.filter(hasOutput).findIndex(mount => mount.target === target)
  if (index < 0) throw new SlipwayError('invalid-argument', `invalid mount: ${target}`)
  return index
}

/** Tells whether what is written to a mount becomes an output of the step. */
export function hasOutput(mount: ExecMount): boolean {
  return !mount.noOutput && !mount.readonly && mount.cache === undefined && mount.tmpfs === undefined
}

function environment(state: State, agent: string | undefined): string[] {
  if (agent === undefined || state.env.get('SSH_AUTH_SOCK') !== undefined) return state.env.entries()
  return state.env.set('SSH_AUTH_SOCK', agent).entries()
}

function capabilitiesOf(vertex: ExecVertex): Capability[] {
  const needs: Capability[] = [capability.execMetaBase]
  const add = (condition: boolean, ...names: Capability[]): void => {
    if (condition) needs.push(...names)
  }
  add(vertex.validExitCodes !== undefined, capability.execValidExitCode)
  add(vertex.ulimits.length > 0, capability.execMetaUlimit)
  add(vertex.metadata.linuxResources !== undefined, capability.execMetaLinuxResources)
  add(vertex.network !== 'sandbox', capability.execMetaNetwork)
  add(vertex.security === 'insecure', capability.execMetaSecurity)
  add(vertex.proxy !== undefined, capability.execMetaProxy)
  for (const mount of vertex.mounts) needs.push(...mountCapabilities(mount))
  add(vertex.secrets.length > 0, capability.execMountSecret)
  add(
    vertex.secrets.some(secret => secret.env !== undefined),
    capability.execSecretEnv,
  )
  add(vertex.ssh.length > 0, capability.execMountSsh)
  add(vertex.devices.length > 0, capability.execMetaCdi)
  return [...new Set(needs)]
}

function mountCapabilities(mount: ExecMount): Capability[] {
  const needs: Capability[] = []
  if (mount.selector !== undefined) needs.push(capability.execMountSelector)
  if (mount.cache !== undefined) needs.push(capability.execMountCache, capability.execMountCacheSharing)
  else if (mount.tmpfs !== undefined) {
    needs.push(capability.execMountTmpfs)
    if (mount.tmpfs.size > 0) needs.push(capability.execMountTmpfsSize)
  } else if (mount.source !== undefined) needs.push(capability.execMountBind)
  if (mount.contentCache !== undefined) needs.push(capability.execMountContentCache)
  return needs
}
