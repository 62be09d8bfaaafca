import { readFileSync } from 'node:fs'
import { abortable, throwIfAborted } from '../async/abort.ts'
import { SlipwayError } from '../errors/slipway-error.ts'
import { parseMountinfo } from '../sys/mountinfo.ts'
import { groupPath, removeGroup, wasOutOfMemory } from './cgroup.ts'
import { injectDevices } from './cdi/inject.ts'
import { Container } from './container.ts'
import { ExecFormatWatch } from './exec-format-hint.ts'
import type { ContainerSpec, ProcessStdio } from './executor.ts'
import type { ExecutorContext } from './executor-context.ts'
import { feedInput } from './feed-input.ts'
import { type MountPlan, planMounts } from './mount-plan.ts'
import { files, type Prepared, prepareContainer, type PrepareOptions } from './prepare.ts'
import type { NetworkProvider } from './network/network-provider.ts'
import { environmentOf, isProxied, proxyNetwork } from './proxy/proxy-network.ts'
import { emptyBundle, removeAuthority } from './proxy/trust-bundle.ts'
import { removeMountPoints } from './root/mount-points.ts'
import { setupLine, type SetupScript, setupScript } from './root/setup-script.ts'
import { runtimeCommand } from './runtime.ts'
import { rightsHint, Sandbox } from './sandbox.ts'
import { generateSpec } from './spec/generate-spec.ts'
import { containerResolvConf, isSystemdStub, parseResolvConf } from './spec/resolv-conf.ts'
import type { RuntimeSpec } from './spec/runtime-spec.ts'
import { withTerminal } from './terminal.ts'
import { copyTrees } from './tree-copies.ts'

/**
 * Sets a container up and starts it; resolves when the runtime has taken over. Everything that was set up is released
 * before `exit` settles, or before this rejects.
 */
export async function startContainer(
  context: ExecutorContext,
  container: ContainerSpec,
  stdio: ProcessStdio,
  signal: AbortSignal | undefined,
): Promise<Container> {
  throwIfAborted(signal)
  if (!context.features.machine.capabilities.includes('CAP_SYS_ADMIN')) {
    const why = 'cannot set up the container: this process may not mount anything (CAP_SYS_ADMIN)'
    throw new SlipwayError('failed-precondition', why, { hint: rightsHint })
  }
  const resources = new AsyncDisposableStack()
  try {
    return await setUp(context, container, stdio, signal, resources)
  } catch (error) {
    // The first failure is what counts.
    await resources.disposeAsync().catch(() => {})
    throw error
  }
}

async function setUp(
  context: ExecutorContext,
  given: ContainerSpec,
  stdio: ProcessStdio,
  signal: AbortSignal | undefined,
  resources: AsyncDisposableStack,
): Promise<Container> {
  const { directory, searchPath } = context
  const scratch = resources.use(context.scratch(given.id))
  const container = await ownTrees(context, given, () => scratch.make(), resources, signal)
  const plan = planMounts(container, {
    directory,
    features: context.features.overlay,
    scratch: () => scratch.make(),
    link: context.link,
  })
  const runtime = runtimeCommand(context.runtime, directory, context.features)
  const cgroup = groupPath(container.id, container.cgroupParent || context.options.cgroupParent)
  resources.defer(() => removeGroup(context.features.cgroups, cgroup))
  const watch = new ExecFormatWatch()
  const script = scriptOf(context, container, stdio, plan, runtime)
  const stdin = stdio.stdin !== undefined || stdio.tty !== undefined ? 'open' : 'none'
  const provider = await providerOf(context, container)
  const network = provider.namespace === 'wrapper'
  const line = stdin === 'none' && !network ? setupLine(script) : undefined
  const wrapper = line === undefined ? undefined : context.spare.take()
  const sandbox = resources.use(
    new Sandbox({
      script: setupScript(script),
      stdin,
      stdout: stdio.stdout,
      stderr: chunk => {
        watch.add(chunk)
        stdio.stderr(chunk)
      },
      network,
      searchPath,
      waiting: line === undefined || wrapper === undefined ? undefined : { wrapper, line },
    }),
  )
  await abortable(sandbox.ready, signal)
  await connect(provider, container, sandbox, resources, signal)
  const spec = await specOf(context, container, stdio, cgroup, provider)
  const authority = isProxied(container) ? (await context.proxy()).authority.certificate : undefined
  const prepared = prepareContainer({
    ...prepareOptions(context, container, plan, sandbox, spec),
    authority,
  })
  resources.defer(() => undoMountPoints(plan, prepared))
  // The container has to be gone before mount points are looked at.
  resources.defer(() => sandbox.kill())
  throwIfAborted(signal)
  sandbox.go(prepared.go)
  await abortable(sandbox.running, signal)
  context.spare.prepare()
  if (stdio.stdin !== undefined && sandbox.stdin !== null) {
    feedInput(stdio.stdin, sandbox.stdin).catch(() => {})
  }
  const arch = context.features.machine.arch
  const handle = { id: container.id, sandbox, directory, runtime, searchPath, arch }
  const outOfMemory = (): boolean => wasOutOfMemory(context.features.cgroups, cgroup)
  return new Container({ context, container, handle, stdio, watch, outOfMemory, signal, resources })
}

/** The container over copies of its trees, where there is no overlayfs; what it changes in them is brought back at its end. */
async function ownTrees(
  context: ExecutorContext,
  container: ContainerSpec,
  scratch: () => string,
  resources: AsyncDisposableStack,
  signal: AbortSignal | undefined,
): Promise<ContainerSpec> {
  const { copies } = context.options
  if (copies === undefined) return container
  const copied = await copyTrees(container, copies, scratch, signal)
  resources.defer(() => copied.capture())
  return copied.container
}

async function providerOf(context: ExecutorContext, container: ContainerSpec): Promise<NetworkProvider> {
  const behind = context.networks[container.network]
  if (container.proxy === undefined || !isProxied(container)) return behind
  return proxyNetwork({ ...(await context.proxy()), settings: container.proxy, behind })
}

async function connect(
  network: NetworkProvider,
  container: ContainerSpec,
  sandbox: Sandbox,
  resources: AsyncDisposableStack,
  signal: AbortSignal | undefined,
): Promise<void> {
  if (network.namespace !== 'wrapper') return
  const namespace = `/proc/${sandbox.pid}/ns/net`
  const request = { id: container.id, hostname: container.hostname ?? '', namespace }
  resources.use(await network.attach(request, signal))
  resources.defer(() => sandbox.kill())
}

/** Sync on purpose: a few small files, read while the sandbox waits. */
function prepareOptions(
  context: ExecutorContext,
  container: ContainerSpec,
  plan: MountPlan,
  sandbox: Sandbox,
  spec: RuntimeSpec,
): PrepareOptions {
  const { directory, features } = context
  const mountinfo = features.machine.rootless ? readText(`/proc/${sandbox.pid}/mountinfo`) : undefined
  return {
    container,
    plan,
    view: sandbox.view,
    directory,
    spec,
    resolvConf: resolvConfOf(context, container.network),
    sandboxMounts: mountinfo === undefined ? undefined : parseMountinfo(mountinfo),
  }
}

function undoMountPoints(plan: MountPlan, { mountPoints, trustBundle }: Prepared): void {
  const upper = plan.rootUpper
  if (upper === undefined) return
  if (trustBundle === undefined) return removeMountPoints(upper, mountPoints)
  const { path } = trustBundle
  const isSame = removeAuthority(upper, trustBundle)
  if (isSame && mountPoints.paths.includes(path)) emptyBundle(upper, trustBundle)
  const paths = isSame ? mountPoints.paths : mountPoints.paths.filter(one => one !== path)
  removeMountPoints(upper, { ...mountPoints, paths })
}

function scriptOf(
  context: ExecutorContext,
  container: ContainerSpec,
  stdio: ProcessStdio,
  plan: MountPlan,
  runtime: readonly string[],
): SetupScript {
  const { directory } = context
  const keep = context.runtime.keeps ? ['--keep'] : []
  const bundle = ['--bundle', directory, '--pid-file', `${directory}/pid`]
  const command = [...runtime, 'run', ...keep, ...bundle, container.id]
  return {
    directory,
    mounts: plan.mounts,
    command: stdio.tty === undefined ? command : withTerminal(command, `${directory}/tty`, stdio.tty),
    stdio: context.runtime.name === 'crun' && stdio.tty === undefined ? 'relayed' : 'direct',
  }
}

async function specOf(
  context: ExecutorContext,
  container: ContainerSpec,
  stdio: ProcessStdio,
  cgroup: string,
  provider: NetworkProvider,
): Promise<RuntimeSpec> {
  const { directory, features, options } = context
  const process = { ...container.process, env: environmentOf(container, container.process) }
  const spec = generateSpec(
    { ...container, process },
    {
      features: features.machine,
      network: provider.namespace === 'runtime' ? 'private' : 'host',
      rootfs: container.root.kind === 'directory' ? container.root.path : `${directory}/rootfs`,
      hostsFile: `${directory}/${files.hosts}`,
      resolvConf: `${directory}/${files.resolvConf}`,
      cgroupsPath: features.cgroups.writable ? cgroup : undefined,
      apparmorProfile: options.apparmorProfile,
      terminal: stdio.tty,
    },
  )
  if (container.cdiDevices?.length && options.loadCdi !== undefined) {
    const registry = await options.loadCdi()
    injectDevices(spec, registry, registry.find(container.cdiDevices))
  }
  return spec
}

function resolvConfOf(context: ExecutorContext, mode: ContainerSpec['network']): string {
  const { namespace } = context.networks[mode]
  let host = parseResolvConf(readText('/etc/resolv.conf'))
  if (mode !== 'host' && isSystemdStub(host)) {
    host = parseResolvConf(readText('/run/systemd/resolve/resolv.conf'))
  }
  return containerResolvConf(host, { hostNetwork: namespace === 'host', dns: context.options.dns })
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
