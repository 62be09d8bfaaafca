import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { createServerRoutes } from '../../buildkit/server/server-routes.ts'
import { listen } from '../../buildkit/server/listen.ts'
import { textOf } from '../../engine/config-value.ts'
import { configOf, type DaemonConfig, emptyConfig, readDaemonConfig } from '../../engine/daemon-config.ts'
import { SlipwayError } from '../../errors/slipway-error.ts'
import { notifyService } from '../../sys/notify-service.ts'
import { exactArgs } from '../argument-rule.ts'
import { type Command, defineCommand } from '../command.ts'
import { embeddedDriver, isOrdinaryUser, stateRoot } from '../embedded.ts'
import type { Host } from '../host.ts'
import { applySettings } from '../serve/apply-settings.ts'
import { configNotes } from '../serve/config-notes.ts'
import { createDaemonLog, type DaemonLog } from '../serve/daemon-log.ts'
import { lockRoot } from '../serve/lock-root.ts'
import { type ServerSettings, serverSettings } from '../serve/server-settings.ts'
import { declareServeFlags, type ServeFlags } from './serve-flags.ts'

/** `serve`: the engine as a BuildKit daemon. Called as `buildkitd` it takes that program's command line. */
export const command: Command = defineCommand({
  usage: '[OPTIONS]',
  args: exactArgs(0),
  hidesBuilder: true,
  flags: declareServeFlags,
  async run({ host, flags, globals, signal }) {
    const file = configPath(host, flags)
    const written = file === undefined || !existsSync(file) ? emptyConfig : readDaemonConfig(file)
    const config = configOf(applySettings(written.document, flags.settings))
    const settings = serverSettings(config.document, host)
    checkPrivileges(config)
    const log = createDaemonLog(host.stderr, {
      format: settings.logFormat,
      level: globals.debug ? 'debug' : settings.logLevel,
      now: () => host.now(),
    })
    const root = resolve(host.cwd, textOf(config.document['root']) ?? daemonRoot(host))
    await using driver = await embeddedDriver(host, { root, config, daemon: true, foreignSteps: 'try' })
    if (file !== undefined && !existsSync(file)) log('warning', `there is no configuration ${file}`)
    for (const note of [...flags.notes, ...configNotes(written.document)]) log('warning', note)
    using _lock = lockRoot(root)
    const { engine, sessions } = await driver.engine()
    await using listening = await listen(settings.addresses, createServerRoutes(engine, sessions), {
      ...(settings.tls === undefined ? {} : { tls: settings.tls }),
      uid: settings.uid,
      gid: settings.gid,
      inherited: Number(host.env['LISTEN_FDS'] ?? 0),
      onCall: ({ method, unary, ms, error }) => {
        if (error !== undefined && unary) log('error', `${method} returned error: ${error}`)
        else log('debug', `${method} ${error ?? 'ok'} after ${Math.round(ms)} ms`)
      },
    })
    warnOfOpenPorts(log, settings)
    for (const address of listening.addresses) log('info', `running server on ${address}`)
    const manager = host.env['NOTIFY_SOCKET'] ?? ''
    notifyService(manager, 'READY=1')
    await new Promise<void>(resolve => {
      if (signal.aborted) resolve()
      signal.addEventListener('abort', () => resolve(), { once: true })
    })
    log('info', 'stopping server')
    notifyService(manager, 'STOPPING=1')
  },
})

/** The file that was named, else the daemon's usual one where it is there. */
function configPath(host: Host, flags: ServeFlags): string | undefined {
  if (flags.config !== undefined) return flags.config
  const { env } = host
  const home = join(env['XDG_CONFIG_HOME'] || join(env['HOME'] || '/', '.config'), 'buildkit')
  const usual = join(isOrdinaryUser(host) ? home : '/etc/buildkit', 'buildkitd.toml')
  return existsSync(usual) ? usual : undefined
}

/** In place of buildkitd the state lies where that keeps its own: volumes are mounted there. */
function daemonRoot(host: Host): string {
  const own = stateRoot(host)
  return host.program === 'buildkitd' && !host.env['SLIPWAY_ROOT'] ? own.replace(/slipway$/, 'buildkit') : own
}

function checkPrivileges({ insecureEntitlements }: DaemonConfig): void {
  for (const name of insecureEntitlements) {
    if (!['network.host', 'security.insecure', 'device'].includes(name))
      throw new SlipwayError('invalid-argument', `invalid entitlement : ${name}`)
  }
}

function warnOfOpenPorts(log: DaemonLog, { addresses, tls }: ServerSettings): void {
  for (const address of addresses) {
    if (address.startsWith('unix:') && tls !== undefined) log('warning', `TLS is disabled for ${address}`)
    if (address.startsWith('tcp:') && tls === undefined) {
      const advice = 'enabling mutual TLS authentication is highly recommended'
      log('warning', `TLS is not enabled for ${address}. ${advice}`)
    }
  }
}
