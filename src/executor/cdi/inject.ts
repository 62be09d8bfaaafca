import { lstatSync } from 'node:fs'
import { SlipwayError } from '../../errors/slipway-error.ts'
import { splitDevice } from '../../sys/device.ts'
import type { LinuxDevice, RuntimeSpec } from '../spec/runtime-spec.ts'
import type { CdiRegistry } from './cdi-registry.ts'
import type { CdiDeviceNode, ContainerEdits } from './cdi-spec.ts'

/**
 * Changes a specification as the named devices want it; what a file says for all its devices is done once. Throws
 * `not-found` for names that are not registered and `failed-precondition` for device nodes that are missing.
 * Source: container-device-interface v1.0.1 pkg/cdi/container-edits.go.
 */
export function injectDevices(spec: RuntimeSpec, registry: CdiRegistry, names: readonly string[]): void {
  const devices = names.map(name => {
    const found = registry.get(name)
    if (found !== undefined) return found
    throw new SlipwayError('not-found', `CDI device injection failed: unresolvable CDI devices ${name}`)
  })
  for (const edits of new Set(devices.map(({ spec }) => spec.edits))) applyEdits(spec, edits)
  for (const { device } of devices) applyEdits(spec, device.edits)
}

function applyEdits(spec: RuntimeSpec, edits: ContainerEdits): void {
  for (const variable of edits.env) setVariable(spec.process.env, variable)
  for (const node of edits.deviceNodes) addDevice(spec, node)
  for (const { hostInterfaceName, name } of edits.netDevices) {
    spec.linux.netDevices = { ...spec.linux.netDevices, [hostInterfaceName]: { name } }
  }
  for (const { hostPath, containerPath, type, options } of edits.mounts) {
    spec.mounts = spec.mounts.filter(mount => mount.destination !== containerPath)
    spec.mounts.push({
      destination: containerPath,
      source: hostPath,
      ...(type === undefined ? {} : { type }),
      ...(options === undefined ? {} : { options: [...options] }),
    })
  }
  for (const { hookName, path, args, env, timeout } of edits.hooks) {
    const hook = {
      path,
      ...(args === undefined ? {} : { args: [...args] }),
      ...(env === undefined ? {} : { env: [...env] }),
      ...(timeout === undefined ? {} : { timeout }),
    }
    spec.hooks = { ...spec.hooks, [hookName]: [...(spec.hooks?.[hookName] ?? []), hook] }
  }
  if (edits.intelRdt !== undefined) spec.linux.intelRdt = { ...edits.intelRdt }
  const groups = spec.process.user.additionalGids
  for (const gid of edits.additionalGids) if (gid !== 0 && !groups.includes(gid)) groups.push(gid)
}

function setVariable(env: string[], variable: string): void {
  const name = variable.slice(0, variable.indexOf('=') + 1)
  const at = env.findIndex(other => other.startsWith(name))
  if (at < 0) env.push(variable)
  else env[at] = variable
}

function addDevice(spec: RuntimeSpec, node: CdiDeviceNode): void {
  const device = deviceOf(node)
  const { uid, gid } = spec.process.user
  if (device.uid === undefined && uid > 0) device.uid = uid
  if (device.gid === undefined && gid > 0) device.gid = gid
  spec.linux.devices = [...(spec.linux.devices ?? []).filter(other => other.path !== device.path), device]
  const { type, major, minor } = device
  if (type !== 'b' && type !== 'c') return
  spec.linux.resources?.devices?.push({
    allow: true,
    type,
    major,
    minor,
    access: node.permissions || 'rwm',
  })
}

function deviceOf(node: CdiDeviceNode): LinuxDevice {
  const { path, type, major = 0, minor = 0, fileMode, uid, gid } = node
  const complete = type !== undefined && (major !== 0 || type === 'p')
  const host = hostNode(node.hostPath ?? path)
  if (host === undefined && !complete) {
    throw new SlipwayError(
      'failed-precondition',
      `failed to stat CDI host device "${node.hostPath ?? path}": no device node`,
    )
  }
  if (!complete && type !== undefined && type !== host?.type) {
    throw new SlipwayError(
      'failed-precondition',
      `CDI device ("${path}", "${node.hostPath ?? path}"), host type mismatch (${type}, ${host?.type})`,
    )
  }
  const mode = fileMode ?? host?.fileMode
  return {
    path,
    type: type ?? host?.type ?? 'c',
    major: major === 0 && !complete ? (host?.major ?? 0) : major,
    minor: major === 0 && !complete ? (host?.minor ?? 0) : minor,
    ...(mode === undefined ? {} : { fileMode: mode }),
    ...(uid === undefined ? {} : { uid }),
    ...(gid === undefined ? {} : { gid }),
  }
}

/** A device node of the host; undefined for nothing and for anything else. */
function hostNode(
  path: string,
): { type: string; major: number; minor: number; fileMode: number } | undefined {
  const stats = lstatSync(path, { bigint: true, throwIfNoEntry: false })
  if (stats === undefined) return undefined
  const type = stats.isBlockDevice()
    ? 'b'
    : stats.isCharacterDevice()
      ? 'c'
      : stats.isFIFO()
        ? 'p'
        : undefined
  if (type === undefined) return undefined
  return { type, ...splitDevice(stats.rdev), fileMode: Number(stats.mode & 0o7777n) }
}
