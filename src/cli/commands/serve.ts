import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createServerRoutes } from '../../buildkit/server/server-routes.ts'
import { listen, type ServerTls } from '../../buildkit/server/listen.ts'
import { SlipwayError } from '../../errors/slipway-error.ts'
import { exactArgs } from '../argument-rule.ts'
import { type Command, defineCommand } from '../command.ts'
import { embeddedDriver, stateRoot } from '../embedded.ts'
import type { Host } from '../host.ts'
import { declareServeFlags, type ServeFlags } from './serve-flags.ts'

/** `serve`: the engine as a BuildKit daemon. Called as `buildkitd` it takes that program's command line. */
export const command: Command = defineCommand({
  usage: '[OPTIONS]',
  args: exactArgs(0),
  hidesBuilder: true,
  flags: declareServeFlags,
  async run({ host, flags, signal }) {
    for (const line of flags.ignored) host.stderr.write(`WARNING: ${line}\n`)
    const config = configPath(host, flags)
    const root = flags.root === '' ? stateRoot(host) : flags.root
    const settings = { root, config, entitlements: flags.allow, foreignSteps: 'try' } as const
    await using driver = await embeddedDriver(host, settings)
    const { engine, sessions } = await driver.engine()
    const addresses = flags.addresses.length > 0 ? flags.addresses : [defaultAddress(host)]
    const tls = readTls(flags)
    await using listening = await listen(
      addresses,
      createServerRoutes(engine, sessions),
      tls === undefined ? {} : { tls },
    )
    for (const address of listening.addresses) host.stderr.write(`running server on ${address}\n`)
    await new Promise<void>(resolve => {
      if (signal.aborted) resolve()
      signal.addEventListener('abort', () => resolve(), { once: true })
    })
  },
})

function defaultAddress(host: Host): string {
  if (host.uid === 0) return 'unix:///run/buildkit/buildkitd.sock'
  return `unix://${join(host.env['XDG_RUNTIME_DIR'] || `/run/user/${host.uid}`, 'buildkit/buildkitd.sock')}`
}

/** The file that was named, else the daemon's usual one where it is there. */
function configPath(host: Host, flags: ServeFlags): string | undefined {
  if (flags.config !== '') return flags.config
  const usual =
    host.uid === 0
      ? '/etc/buildkit/buildkitd.toml'
      : join(host.env['HOME'] || '/', '.config/buildkit/buildkitd.toml')
  return existsSync(usual) ? usual : undefined
}

function readTls(flags: ServeFlags): ServerTls | undefined {
  const { tlsCert, tlsKey, tlsCaCert } = flags
  if (tlsCert === '' && tlsKey === '' && tlsCaCert === '') return undefined
  if (tlsCert === '' || tlsKey === '') {
    throw new SlipwayError('invalid-argument', 'a certificate and its key belong together', {
      hint: 'give both --tlscert and --tlskey',
    })
  }
  const read = (path: string): Buffer => {
    try {
      return readFileSync(path)
    } catch (e) {
      throw new SlipwayError('not-found', `could not read ${path}`, { cause: e })
    }
  }
  return { cert: read(tlsCert), key: read(tlsKey), ...(tlsCaCert === '' ? {} : { ca: read(tlsCaCert) }) }
}
