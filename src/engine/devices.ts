import { create, fromBinary } from '@bufbuild/protobuf'
import { SlipwayError } from '../errors/slipway-error.ts'
import { type CdiRegistry, defaultCdiDirectories, loadCdi } from '../executor/cdi/cdi-registry.ts'
import {
  type CDIDevice,
  CDIDeviceSchema,
  type Definition,
  type ExecOp,
  OpSchema,
} from '../proto/gen/ops_pb.ts'
import type { GrantedDevices } from './entitlements.ts'

/** Devices of the machine that steps may ask for. */
export interface DeviceSettings {
  readonly enabled: boolean
  /** Reads them as they are now. */
  readonly load: () => Promise<CdiRegistry>
}

/**
 * Where devices are described, as `[cdi]` of the configuration says.
 * Source: https://github.com/moby/buildkit/blob/v0.32.2/docs/buildkitd.toml.md
 */
export function deviceSettings(document: Readonly<Record<string, unknown>>): DeviceSettings {
  const value = document['cdi']
  const cdi = typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {}
  const texts = (key: string): readonly string[] =>
    Array.isArray(cdi[key]) ? cdi[key].filter(one => typeof one === 'string') : []
  const enabled = cdi['disabled'] !== true
  const directories = texts('specDirs').length > 0 ? texts('specDirs') : defaultCdiDirectories
  const options = {
    directories: enabled ? directories : [],
    autoAllowed: texts('autoAllowed'),
    parseYaml: async (text: string): Promise<unknown> => (await import('yaml')).parse(text),
  }
  return { enabled, load: () => loadCdi(options) }
}

/** Whether a step of it asks for devices. */
export function wantsDevices({ def }: Definition): boolean {
  return def.some(bytes => {
    const { op } = fromBinary(OpSchema, bytes)
    return op.case === 'exec' && op.value.cdiDevices.length > 0
  })
}

/**
 * Makes the devices that a step asks for those it gets: the build must have been given them, or their files allow them to
 * everybody. An alias stands for the device behind it. Throws `permission-denied`, `not-found` (a required one is missing).
 */
export function allowDevices(exec: ExecOp, granted: GrantedDevices | undefined, devices: CdiRegistry): void {
  if (granted === 'all' || exec.cdiDevices.length === 0) return
  const given: CDIDevice[] = []
  const others: CDIDevice[] = []
  for (const device of exec.cdiDevices) {
    const real = granted?.get(device.name) ?? ''
    if (real === '') others.push(device)
    else given.push({ ...device, name: real })
  }
  const names = devices.find(others)
  const wishes = [...(names.length === 0 ? [] : (granted ?? []))].flatMap(([name, real]) =>
    real === '' ? [name] : [],
  )
  const allowed = new Set(devices.find(wishes.map(name => ({ name, optional: false }))))
  for (const { name, autoAllow } of devices.list()) if (autoAllow) allowed.add(name)
  const forbidden = names.filter(name => !allowed.has(name))
  if (forbidden.length > 0) {
    const subject =
      forbidden.length === 1 ? `device ${forbidden[0]} is` : `devices ${forbidden.join(', ')} are`
    throw new SlipwayError('permission-denied', `${subject} requested by the build but not allowed`, {
      hint: `grant it with ${forbidden.map(name => `--allow device=${name}`).join(' ')}`,
    })
  }
  exec.cdiDevices = [...given, ...names.map(name => create(CDIDeviceSchema, { name }))]
}
