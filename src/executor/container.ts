import { existsSync, readFileSync } from 'node:fs'
import { abortable, abortError, sleep, throwIfAborted } from '../async/abort.ts'
import { parseMountinfo } from '../sys/mountinfo.ts'
import { groupPath, removeGroup, wasOutOfMemory } from './cgroup.ts'
import { injectDevices } from './cdi/inject.ts'
import { type ContainerHandle, execProcess, signalContainer } from './container-process.ts'
import { ExecFormatWatch } from './exec-format-hint.ts'
import type {
  ContainerSpec,
  ExitStatus,
  ProcessSpec,
  ProcessStdio,
  RunningContainer,
  RunningProcess,
  TerminalSize,
} from './executor.ts'
import { feedInput } from './feed-input.ts'
import { type MountPlan, planMounts } from './mount-plan.ts'
import type { NetworkProvider } from './network/network-provider.ts'
import { files, type Prepared, prepareContainer } from './prepare.ts'
import { removeMountPoints } from './root/mount-points.ts'
import { setupScript } from './root/setup-script.ts'
import type { ExecutorContext } from './runc-executor.ts'
import { runtimeCommand } from './runtime.ts'
import { Sandbox } from './sandbox.ts'
import { capabilitiesOf, generateSpec, processSpec } from './spec/generate-spec.ts'
import type { RuntimeSpec } from './spec/runtime-spec.ts'
import { containerResolvConf, isSystemdStub, parseResolvConf } from './spec/resolv-conf.ts'
import { resizeTerminal, withTerminal } from './terminal.ts'

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
  const { directory, searchPath } = context
  await using resources = new AsyncDisposableStack()
  const scratch = resources.use(context.scratch(container.id))
  const network = context.networks[container.network]
  const plan = planMounts(container, {
    directory,
    features: context.features.overlay,
    scratch: () => scratch.make(),
    link: context.link,
  })
  const runtime = runtimeCommand(context.runtime, directory, context.features)
  const watch = new ExecFormatWatch()
  const sandbox = new Sandbox({
    script: script(context, container, stdio, plan, runtime),
    stdin: stdio.stdin !== undefined || stdio.tty !== undefined ? 'open' : 'none',
    stdout: stdio.stdout,
    stderr: chunk => {
      watch.add(chunk)
      stdio.stderr(chunk)
    },
    network: network.namespace === 'wrapper',
    searchPath,
  })
  const cgroup = groupPath(container.id, container.cgroupParent || context.options.cgroupParent)
  resources.defer(() => removeGroup(context.features.cgroups, cgroup))
  resources.use(sandbox)
  await abortable(sandbox.ready, signal)
  if (network.namespace === 'wrapper') {
    const namespace = `/proc/${sandbox.pid}/ns/net`
    const request = { id: container.id, hostname: container.hostname ?? '', namespace }
    resources.use(await network.attach(request, signal))
    resources.defer(() => sandbox.kill())
  }
  const prepared = prepareContainer({
    container,
    plan,
    view: sandbox.view,
    directory,
    spec: await specOf(context, container, stdio, cgroup),
    resolvConf: resolvConfOf(context, container.network, network),
    sandboxMounts: context.features.machine.rootless
      ? parseMountinfo(readFileSync(`/proc/${sandbox.pid}/mountinfo`, 'utf8'))
      : undefined,
  })
  resources.defer(() => undoMountPoints(plan, prepared))
  // The container has to be gone before mount points are looked at.
  resources.defer(() => sandbox.kill())
  throwIfAborted(signal)
  sandbox.go(prepared.go)
  await abortable(sandbox.running, signal)
  const arch = context.features.machine.arch
  const handle = { id: container.id, sandbox, directory, runtime, searchPath, arch }
  if (stdio.stdin !== undefined && sandbox.stdin !== null) {
    feedInput(stdio.stdin, sandbox.stdin).catch(() => {})
  }
  const outOfMemory = (): boolean => wasOutOfMemory(context.features.cgroups, cgroup)
  return new Container({
    context,
    container,
    handle,
    stdio,
    watch,
    outOfMemory,
    signal,
    resources: resources.move(),
  })
}

function undoMountPoints(plan: MountPlan, prepared: Prepared): void {
  if (plan.rootUpper !== undefined) removeMountPoints(plan.rootUpper, prepared.mountPoints)
}

function script(
  context: ExecutorContext,
  container: ContainerSpec,
  stdio: ProcessStdio,
  plan: MountPlan,
  runtime: readonly string[],
): string {
  const { directory } = context
  const keep = context.runtime.keeps ? ['--keep'] : []
  const bundle = ['--bundle', directory, '--pid-file', `${directory}/pid`]
  const command = [...runtime, 'run', ...keep, ...bundle, container.id]
  return setupScript({
    directory,
    mounts: plan.mounts,
    command: stdio.tty === undefined ? command : withTerminal(command, `${directory}/tty`, stdio.tty),
    stdio: context.runtime.name === 'crun' && stdio.tty === undefined ? 'relayed' : 'direct',
  })
}

async function specOf(
  context: ExecutorContext,
  container: ContainerSpec,
  stdio: ProcessStdio,
  cgroup: string,
): Promise<RuntimeSpec> {
  const { directory, features, options } = context
  const spec = generateSpec(container, {
    features: features.machine,
    network: { kind: context.networks[container.network].namespace === 'runtime' ? 'private' : 'host' },
    rootfs: container.root.kind === 'directory' ? container.root.path : `${directory}/rootfs`,
    hostsFile: `${directory}/${files.hosts}`,
    resolvConf: `${directory}/${files.resolvConf}`,
    cgroupsPath: features.cgroups.writable ? cgroup : undefined,
    apparmorProfile: options.apparmorProfile,
    terminal: stdio.tty,
  })
  if (container.cdiDevices?.length && options.loadCdi !== undefined) {
    injectDevices(spec, await options.loadCdi(), container.cdiDevices)
  }
  return spec
}

/** Sync on purpose: two small files, read while a sandbox waits. */
function resolvConfOf(
  context: ExecutorContext,
  mode: ContainerSpec['network'],
  network: NetworkProvider,
): string {
  let host = parseResolvConf(readText('/etc/resolv.conf'))
  if (mode !== 'host' && isSystemdStub(host)) {
    host = parseResolvConf(readText('/run/systemd/resolve/resolv.conf'))
  }
  return containerResolvConf(host, { hostNetwork: network.namespace === 'host', dns: context.options.dns })
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

interface ContainerParts {
  readonly context: ExecutorContext
  readonly container: ContainerSpec
  readonly handle: ContainerHandle
  readonly stdio: ProcessStdio
  readonly watch: ExecFormatWatch
  readonly outOfMemory: () => boolean
  readonly signal: AbortSignal | undefined
  readonly resources: AsyncDisposableStack
}

/** A container whose runtime runs. */
export class Container implements RunningContainer {
  readonly exit: Promise<ExitStatus>
  readonly #parts: ContainerParts
  #processes = 0

  constructor(parts: ContainerParts) {
    this.#parts = parts
    this.exit = this.#finish()
    this.exit.catch(() => {})
  }

  /** Resolves when the first process runs, or has ended. */
  async started(): Promise<void> {
    const { sandbox, directory } = this.#parts.handle
    const ended = sandbox.exit.then(() => true)
    while (!existsSync(`${sandbox.view}${directory}/pid`)) {
      if (await Promise.race([ended, sleep(5)])) break
    }
    throwIfAborted(this.#parts.signal)
  }

  async exec(process: ProcessSpec, stdio: ProcessStdio, signal?: AbortSignal): Promise<RunningProcess> {
    const { handle, container, context } = this.#parts
    const capabilities = capabilitiesOf(container.security === 'insecure', context.features.machine)
    const name = `exec${this.#processes++}`
    return await execProcess(handle, name, processSpec(process, capabilities, stdio.tty), stdio, signal)
  }

  async signal(name: string): Promise<void> {
    await signalContainer(this.#parts.handle, name)
  }

  async resize(size: TerminalSize): Promise<void> {
    const { handle, stdio } = this.#parts
    if (stdio.tty === undefined) return
    await resizeTerminal(`${handle.sandbox.view}${handle.directory}/tty`, size, handle.searchPath)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts.handle.sandbox.kill()
    await this.exit.catch(() => {})
  }

  async #finish(): Promise<ExitStatus> {
    const { container, context, handle, signal, watch, outOfMemory } = this.#parts
    await using _resources = this.#parts.resources
    const onAbort = (): void => {
      handle.sandbox.kill().catch(() => {})
    }
    signal?.addEventListener('abort', onAbort, { once: true })
    if (signal?.aborted) onAbort()
    try {
      const code = await handle.sandbox.exit
      if (signal?.aborted) throw abortError(signal)
      if (code === 0) return { code }
      const hint = watch.hint(container.platform, context.features.machine.arch)
      return {
        code,
        ...(outOfMemory() ? { oomKilled: true } : {}),
        ...(hint === undefined ? {} : { hint }),
      }
    } finally {
      signal?.removeEventListener('abort', onAbort)
    }
  }
}
