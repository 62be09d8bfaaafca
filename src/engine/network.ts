import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { SlipwayError } from '../errors/slipway-error.ts'
import { createCniProvider } from '../executor/network/cni.ts'
import { tableOf } from './config-value.ts'
import type { DnsConfig } from '../executor/spec/resolv-conf.ts'
import { hostNetwork, type NetworkProvider, noNetwork } from '../executor/network/network-provider.ts'

/** How steps of the default network mode are connected, as `[worker.oci]` of the configuration says. */
export interface NetworkSettings {
  /** `auto`, `cni`, `host`, `none`. */
  readonly mode: string
  readonly cniConfigPath: string
  readonly cniBinaryDir: string
}

/** What a configuration document says of the network, with buildkitd's defaults. */
export function networkSettings(document: Readonly<Record<string, unknown>>): NetworkSettings {
  const worker = tableOf(tableOf(document['worker'])['oci'])
  const text = (key: string, fallback: string): string =>
    typeof worker[key] === 'string' && worker[key] !== '' ? worker[key] : fallback
  return {
    mode: text('networkMode', 'auto'),
    cniConfigPath: text('cniConfigPath', '/etc/buildkit/cni.json'),
    cniBinaryDir: text('cniBinaryPath', '/opt/cni/bin'),
  }
}

/** The provider of these settings: `auto` is CNI where its configuration is there, else the host's own network. */
export async function networkProvider(
  settings: NetworkSettings,
  stateDir: string,
  searchPath: string,
): Promise<NetworkProvider> {
  const { mode, cniConfigPath, cniBinaryDir } = settings
  const cni = (): Promise<NetworkProvider> =>
    createCniProvider({
      configPath: cniConfigPath,
      binaryDir: cniBinaryDir,
      stateDir: join(stateDir, 'cni'),
      searchPath,
    })
  switch (mode) {
    case 'auto':
      return existsSync(cniConfigPath) ? cni() : hostNetwork
    case 'cni':
    case 'bridge':
      return cni()
    case 'host':
      return hostNetwork
    case 'none':
      return noNetwork
    default:
      throw new SlipwayError('invalid-argument', `invalid network mode: ${JSON.stringify(mode)}`, {
        hint: 'use auto, cni, host or none',
      })
  }
}

/** Name servers for steps, as `[dns]` of the configuration says; undefined for those of the host. */
export function dnsSettings(document: Readonly<Record<string, unknown>>): DnsConfig | undefined {
  const dns = tableOf(document['dns'])
  const texts = (key: string): readonly string[] => (Array.isArray(dns[key]) ? dns[key].map(String) : [])
  if (Object.keys(dns).length === 0) return undefined
  return {
    nameservers: texts('nameservers'),
    options: texts('options'),
    searchDomains: texts('searchDomains'),
  }
}
