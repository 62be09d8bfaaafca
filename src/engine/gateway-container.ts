import { create } from '@bufbuild/protobuf'
import { randomBytes } from 'node:crypto'
import { asSlipwayError, SlipwayError } from '../errors/slipway-error.ts'
import type {
  ContainerSpec,
  ProcessSpec,
  ProcessStdio,
  RunningContainer,
  RunningProcess,
} from '../executor/executor.ts'
import type { ProxySettings } from '../executor/proxy/proxy-server.ts'
import type { Platform } from '../oci/descriptor.ts'
import { findAccount } from '../ops/account.ts'
import { type PreparedMounts, prepareMounts } from '../ops/exec-mounts.ts'
import { networkOf } from '../ops/exec-op.ts'
import type { SecretContext } from '../ops/secret-source.ts'
import type { InitMessage, NewContainerRequest } from '../proto/gen/gateway_pb.ts'
import { ExecOpSchema, type NetMode, SecurityMode } from '../proto/gen/ops_pb.ts'
import type { Ref } from '../snapshot/ref.ts'
import type { FileTree } from '../snapshot/tree.ts'
import { noProgress } from './client-step.ts'
import { platformOf } from './platform-message.ts'
import type { EngineServices } from './services.ts'

const defaultPath = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
const windowsPath = 'PATH=c:\\Windows\\System32;c:\\Windows;C:\\Windows\\System32\\WindowsPowerShell\\v1.0'

const securityModes: Readonly<Record<number, true>> = {
  [SecurityMode.SANDBOX]: true,
  [SecurityMode.INSECURE]: true,
}

/** A container that a frontend uses as it likes. Disposing it ends its processes and throws its changes away. */
export class GatewayContainer implements AsyncDisposable {
  readonly #request: NewContainerRequest
  readonly #mounts: PreparedMounts
  readonly #services: EngineServices
  readonly #secrets: SecretContext
  readonly #proxy: ProxySettings | undefined
  readonly #abort = new AbortController()
  #failure: SlipwayError | undefined
  readonly #platform: Platform
  #running: Promise<RunningContainer> | undefined

  private constructor(
    request: NewContainerRequest,
    mounts: PreparedMounts,
    services: EngineServices,
    secrets: SecretContext,
    proxy: ProxySettings | undefined,
  ) {
    this.#proxy = proxy
    this.#request = request
    this.#mounts = mounts
    this.#services = services
    this.#secrets = secrets
    this.#platform = platformOf(request.platform) ?? services.hostPlatform
  }

  /** Gets the mounts ready; `refOf` knows the trees of the frontend by their ids. With `proxy` it has no other network. */
  static async open(
    request: NewContainerRequest,
    refOf: (id: string) => Promise<Ref>,
    services: EngineServices,
    secrets: SecretContext,
    proxy?: ProxySettings,
  ): Promise<GatewayContainer> {
    const inputs: Ref[] = []
    const mounts = []
    for (const mount of request.Mounts) {
      const input = mount.resultID === '' ? -1n : BigInt(inputs.push(await refOf(mount.resultID)) - 1)
      mounts.push({ ...mount, input, output: -1n })
    }
    const message = create(ExecOpSchema, { mounts })
    const ctx = {
      ...secrets,
      sessions: () => secrets.sessions(),
      progress: noProgress,
      name: `container ${request.ContainerID}`,
    }
    const prepared = await prepareMounts(message, inputs, services.exec, ctx)
    return new GatewayContainer(request, prepared, services, secrets, proxy)
  }

  /** Whether it was given back: its processes were ended, they did not end. */
  get released(): boolean {
    return this.#abort.signal.aborted
  }

  get network(): NetMode {
    return this.#request.Network
  }

  /** The tree behind a mount as it is now. */
  treeAt(index: number): FileTree {
    const count = this.#request.Mounts.length
    if (index < 0 || index >= count)
      throw new SlipwayError('unknown', `mount index ${index} is out of bounds (${count} available)`)
    const tree = this.#mounts.treeAt(index)
    if (tree === undefined) throw new SlipwayError('unknown', `mountable ${index} not found`)
    return tree
  }

  /** Starts a process: the first one makes the container, and ends it when it ends. */
  async start(
    process: ProcessSpec,
    security: SecurityMode,
    stdio: ProcessStdio,
    signal: AbortSignal,
  ): Promise<RunningProcess> {
    const started = await this.#start(process, security, stdio, signal)
    const fail = (e: unknown): void => {
      this.#failure ??= asSlipwayError(e)
    }
    started.exit.then(({ code }) => {
      if (code === 0) return
      fail(
        this.released
          ? new SlipwayError('canceled', 'context canceled')
          : new SlipwayError('unknown', `exit code: ${code}`),
      )
    }, fail)
    return started
  }

  /** Ends the processes. Throws how the first of them failed, `canceled` where one was still running. */
  async release(): Promise<void> {
    await this[Symbol.asyncDispose]()
    if (this.#failure !== undefined) throw this.#failure
  }

  async #start(
    process: ProcessSpec,
    security: SecurityMode,
    stdio: ProcessStdio,
    signal: AbortSignal,
  ): Promise<RunningProcess> {
    if (this.#running !== undefined) return (await this.#running).exec(process, stdio, signal)
    const running = this.#services.exec.executor.start(
      this.#spec(process, security),
      stdio,
      AbortSignal.any([signal, this.#abort.signal]),
    )
    this.#running = running
    running.catch(() => {})
    return running
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort(new SlipwayError('canceled', 'context canceled'))
    const running = await this.#running?.catch(() => undefined)
    await running?.[Symbol.asyncDispose]()
    await this.#mounts[Symbol.asyncDispose]()
  }

  #spec(process: ProcessSpec, security: SecurityMode): ContainerSpec {
    const { Network, hostname, extraHosts } = this.#request
    const { root, readonlyRoot, mounts, shmSize } = this.#mounts
    return {
      id: `g${randomBytes(12).toString('hex')}`,
      root,
      readonlyRoot,
      mounts,
      process,
      platform: this.#platform,
      network: networkOf(Network),
      ...(this.#proxy === undefined ? {} : { proxy: this.#proxy }),
      security: security === SecurityMode.INSECURE ? 'insecure' : 'sandbox',
      extraHosts: extraHosts.map(host => ({ host: host.Host, ip: host.IP })),
      ulimits: [],
      ...(hostname === '' ? {} : { hostname }),
      ...(shmSize === undefined ? {} : { shmSize }),
    }
  }

  /** What a client asks for, with what is added to it. Throws `not-found` for secrets that nobody has. */
  async process(init: InitMessage): Promise<ProcessSpec> {
    const meta = init.Meta
    if (meta === undefined || meta.args.length === 0)
      throw new SlipwayError('invalid-argument', 'no process arguments')
    if (!(init.Security in securityModes)) {
      throw new SlipwayError('invalid-argument', `invalid security mode ${Number(init.Security)}`)
    }
    const user = findAccount(this.#mounts.rootTree, meta.user)
    const env = [...meta.env]
    const has = (name: string): boolean => env.some(one => one.startsWith(`${name}=`))
    if (!has('PATH')) env.push(this.#platform.os === 'windows' ? windowsPath : defaultPath)
    if (init.Tty && !has('TERM')) env.push('TERM=xterm')
    for (const { ID, name, optional } of init.secretenv) {
      const data = await this.#services.exec.secrets.get(ID, this.#secrets)
      if (data !== undefined) env.push(`${name}=${Buffer.from(data).toString('utf8')}`)
      else if (!optional) throw new SlipwayError('not-found', `secret ${ID}: not found`)
    }
    if (!has('HOME')) env.push(`HOME=${user.home}`)
    return { args: meta.args, env, cwd: meta.cwd === '' ? '/' : meta.cwd, user }
  }
}
