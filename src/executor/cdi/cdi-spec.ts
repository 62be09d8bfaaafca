import { SlipwayError } from '../../errors/slipway-error.ts'
import { type HookName, hookNames } from '../spec/runtime-spec.ts'

/** A specification file: devices of one kind. Source: https://github.com/cncf-tags/container-device-interface/blob/v1.0.1/SPEC.md */
export interface CdiSpec {
  /** `vendor.com/class` */
  readonly kind: string
  readonly annotations: Readonly<Record<string, string>>
  readonly devices: readonly CdiDevice[]
  readonly edits: ContainerEdits
}

/** One device that a container can ask for as `kind=name`. */
export interface CdiDevice {
  readonly name: string
  readonly annotations: Readonly<Record<string, string>>
  readonly edits: ContainerEdits
}

/** What a device changes in a container. */
export interface ContainerEdits {
  readonly env: readonly string[]
  readonly deviceNodes: readonly CdiDeviceNode[]
  readonly mounts: readonly CdiMount[]
  readonly hooks: readonly CdiHook[]
  readonly additionalGids: readonly number[]
  readonly netDevices: readonly { readonly hostInterfaceName: string; readonly name: string }[]
  readonly intelRdt?: Readonly<Record<string, unknown>>
}

/** A device node; what is absent comes from the node at `hostPath`. */
export interface CdiDeviceNode {
  readonly path: string
  readonly hostPath?: string
  readonly type?: string
  readonly major?: number
  readonly minor?: number
  readonly fileMode?: number
  readonly permissions?: string
  readonly uid?: number
  readonly gid?: number
}

/** A mount from the host. */
export interface CdiMount {
  readonly hostPath: string
  readonly containerPath: string
  readonly type?: string
  readonly options?: readonly string[]
}

/** A program that the runtime starts. */
export interface CdiHook {
  readonly hookName: HookName
  readonly path: string
  readonly args?: readonly string[]
  readonly env?: readonly string[]
  readonly timeout?: number
}

type Fields = Readonly<Record<string, unknown>>

/** Reads a specification from its parsed JSON or YAML. Throws `invalid-argument`. */
export function readCdiSpec(value: unknown): CdiSpec {
  const spec = fieldsOf(value, 'spec')
  const kind = text(spec, 'kind')
  if (!/^[A-Za-z][\w.-]*\/[A-Za-z][\w.-]*$/.test(kind)) throw invalid(`invalid kind "${kind}"`)
  return {
    kind,
    annotations: stringMap(spec['annotations']),
    devices: list(spec, 'devices').map(readDevice),
    edits: readEdits(spec['containerEdits']),
  }
}

function readDevice(value: unknown): CdiDevice {
  const device = fieldsOf(value, 'device')
  const name = typeof device['name'] === 'number' ? String(device['name']) : text(device, 'name')
  return {
    name,
    annotations: stringMap(device['annotations']),
    edits: readEdits(device['containerEdits']),
  }
}

function readEdits(value: unknown): ContainerEdits {
  const edits = fieldsOf(value ?? {}, 'containerEdits')
  return {
    env: list(edits, 'env').map(String),
    deviceNodes: list(edits, 'deviceNodes').map(readNode),
    mounts: list(edits, 'mounts').map(readMount),
    hooks: list(edits, 'hooks').map(readHook),
    additionalGids: list(edits, 'additionalGids').map(Number),
    netDevices: list(edits, 'netDevices').map(value => {
      const device = fieldsOf(value, 'netDevices')
      return { hostInterfaceName: text(device, 'hostInterfaceName'), name: text(device, 'name') }
    }),
    ...(edits['intelRdt'] === undefined ? {} : { intelRdt: fieldsOf(edits['intelRdt'], 'intelRdt') }),
  }
}

function readNode(value: unknown): CdiDeviceNode {
  const node = fieldsOf(value, 'deviceNodes')
  return {
    path: text(node, 'path'),
    ...optional(node, 'string', ['hostPath', 'type', 'permissions']),
    ...optional(node, 'number', ['major', 'minor', 'fileMode', 'uid', 'gid']),
  }
}

function readMount(value: unknown): CdiMount {
  const mount = fieldsOf(value, 'mounts')
  return {
    hostPath: text(mount, 'hostPath'),
    containerPath: text(mount, 'containerPath'),
    ...optional(mount, 'string', ['type']),
    ...(mount['options'] === undefined ? {} : { options: list(mount, 'options').map(String) }),
  }
}

function readHook(value: unknown): CdiHook {
  const hook = fieldsOf(value, 'hooks')
  const name = text(hook, 'hookName')
  const hookName = hookNames.find(known => known === name)
  if (hookName === undefined) throw invalid(`invalid hook name "${name}"`)
  return {
    hookName,
    path: text(hook, 'path'),
    ...(hook['args'] === undefined ? {} : { args: list(hook, 'args').map(String) }),
    ...(hook['env'] === undefined ? {} : { env: list(hook, 'env').map(String) }),
    ...optional(hook, 'number', ['timeout']),
  }
}

function fieldsOf(value: unknown, what: string): Fields {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields
  throw invalid(`${what} is no mapping`)
}

function text(fields: Fields, key: string): string {
  const value = fields[key]
  if (typeof value === 'string' && value !== '') return value
  throw invalid(`${key} is missing`)
}

function list(fields: Fields, key: string): readonly unknown[] {
  const value = fields[key] ?? []
  if (Array.isArray(value)) return value as unknown[]
  throw invalid(`${key} is no list`)
}

function stringMap(value: unknown): Record<string, string> {
  return Object.fromEntries(
    Object.entries(fieldsOf(value ?? {}, 'annotations')).map(([k, v]) => [k, String(v)]),
  )
}

function optional(fields: Fields, type: 'string' | 'number', keys: readonly string[]): Record<string, never> {
  const found = keys.filter(key => typeof fields[key] === type).map(key => [key, fields[key]])
  return Object.fromEntries(found) as Record<string, never>
}

function invalid(reason: string): SlipwayError {
  return new SlipwayError('invalid-argument', `invalid CDI Spec: ${reason}`)
}
