import { join, resolve } from 'node:path'
import type { EmbeddedDriver } from '../drivers/embedded/embedded-driver.ts'
import type { DaemonConfig } from '../engine/daemon-config.ts'
import type { LocalEngineOptions, MachineFacts } from '../engine/local-engine.ts'
import type { ProxySettings } from '../registry/http/node-transport.ts'
import type { Host } from './host.ts'
import { hostPlatform } from './host-platform.ts'

/** The state directory of the engine, absolute: what the environment says, else the usual place of the user. */
export function stateRoot(host: Host): string {
  const { env } = host
  if (env['SLIPWAY_ROOT']) return resolve(host.cwd, env['SLIPWAY_ROOT'])
  if (!isOrdinaryUser(host)) return '/var/lib/slipway'
  return join(env['XDG_DATA_HOME'] || join(env['HOME'] || '/', '.local/share'), 'slipway')
}

/** Whether the user is not root; in the user namespace of such a one the process seems to be. */
export function isOrdinaryUser({ uid, env }: Host): boolean {
  return uid !== 0 || env['SLIPWAY_USER_NAMESPACE'] !== undefined
}

/** Settings of an engine that are not those of the environment. */
export interface EngineSettings {
  readonly root?: string
  /** The configuration; that of SLIPWAY_CONFIG where it is not given. */
  readonly config?: DaemonConfig
  /** It serves other people's builds: they get what the configuration allows, and no more. */
  readonly daemon?: boolean
  /** Steps for platforms that this machine does not run; refused where it is not said. */
  readonly foreignSteps?: LocalEngineOptions['foreignSteps']
}

/** The engine of this machine with the settings of the environment. The caller disposes it. */
export async function embeddedDriver(host: Host, settings: EngineSettings = {}): Promise<EmbeddedDriver> {
  await enterUserNamespace(host)
  const { createEmbeddedDriver } = await import('../drivers/embedded/embedded-driver.ts')
  const config = settings.config ?? (await engineConfig(host))
  const machine = await machineFacts()
  return createEmbeddedDriver({
    root: settings.root ?? stateRoot(host),
    config,
    machine,
    proxy: proxySettings(host),
    cloudEnv: cloudVariables(host),
    logEnv: host.env,
    ...(host.env['PATH'] === undefined ? {} : { searchPath: host.env['PATH'] }),
    ...(settings.daemon === true ? { daemon: true, entitlements: config.insecureEntitlements } : {}),
    ...(settings.foreignSteps === undefined ? {} : { foreignSteps: settings.foreignSteps }),
  })
}

/** Settings of the engine of this machine, which name registries too: a file of the form of buildkitd.toml. */
export async function engineConfig(host: Host): Promise<DaemonConfig> {
  const { emptyConfig, readDaemonConfig } = await import('../engine/daemon-config.ts')
  const path = host.env['SLIPWAY_CONFIG']
  return path ? readDaemonConfig(path) : emptyConfig
}

/** What this machine runs, natively and emulated; read anew as handlers come and go. */
async function machineFacts(): Promise<MachineFacts> {
  const { createFactsReader, supportedPlatforms } = await import('../executor/binfmt/platforms.ts')
  const { checkPlatform } = await import('../executor/binfmt/check-platform.ts')
  const native = hostPlatform()
  const facts = createFactsReader(native)
  return {
    hostPlatform: native,
    platforms: () => supportedPlatforms(facts()),
    checkPlatform: platform => checkPlatform(platform, facts()),
  }
}

/** Proxies of the environment, in either spelling. */
export function proxySettings({ env }: Host): ProxySettings {
  const settings: Record<string, string> = {}
  for (const name of ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY']) {
    const value = env[name] ?? env[name.toLowerCase()]
    if (value) settings[name] = value
  }
  return settings
}

/** Variables with which clouds say who this process is, for caches that are kept there. */
export function cloudVariables({ env }: Host): Readonly<Record<string, string>> {
  const names = /^(AWS_|AZURE_|BUILDKIT_AZURE_|IDENTITY_)|^(GITHUB_API_URL|HOME)$/
  const found: Record<string, string> = {}
  for (const [name, value] of Object.entries(env)) if (value && names.test(name)) found[name] = value
  return found
}

/** Thrown where the whole command has been run again, as root of a user namespace: all that is left is its exit code. */
export class RanElsewhere extends Error {
  readonly exitCode: number

  constructor(exitCode: number) {
    super('the command was run in a user namespace')
    this.name = 'RanElsewhere'
    this.exitCode = exitCode
  }
}

/** Ordinary users' engines run in a user namespace of their own, where they may own files and mount. */
async function enterUserNamespace(host: Host): Promise<void> {
  if (host.uid === 0) return
  const { needsUserNamespace, runInUserNamespace } = await import(
    '../executor/rootless/run-in-user-namespace.ts'
  )
  if (!needsUserNamespace(host.uid, host.env)) return
  const { userInfo } = await import('node:os')
  const { uid, gid, username } = userInfo()
  const env: Record<string, string> = { SLIPWAY_ARGV0: host.program }
  for (const [name, value] of Object.entries(host.env)) if (value !== undefined) env[name] = value
  const exitCode = await runInUserNamespace(host.self, {
    user: { id: uid, name: username },
    gid,
    env,
    searchPath: host.env['PATH'] ?? '/usr/sbin:/usr/bin:/sbin:/bin',
    terminal: host.stdin.isTTY,
  })
  throw new RanElsewhere(exitCode)
}
