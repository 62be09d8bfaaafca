import type { LinuxDevice } from './runtime-spec.ts'

/** Character devices by path: major and minor number. Source: linux/Documentation/admin-guide/devices.txt. */
const characterDevices: readonly (readonly [path: string, major: number, minor: number])[] = [
  ['/dev/kmsg', 1, 11],
  ['/dev/cuse', 10, 203],
  ['/dev/fuse', 10, 229],
  ['/dev/kvm', 10, 232],
  ['/dev/net/tun', 10, 200],
  ['/dev/loop-control', 10, 237],
]

const loopMajor = 7
/** Loop devices that a container finds besides the ones in use. */
const freeLoopDevices = 8

/**
 * Devices of a container without a sandbox: kernel log, FUSE, KVM, tunnels and loop devices.
 * Source: BuildKit v0.32.2 util/entitlements/security/security_linux.go.
 */
export function insecureDevices(loopDevicesInUse: number): LinuxDevice[] {
  const devices = characterDevices.map(([path, major, minor]) => ({ path, type: 'c', major, minor }))
  for (let minor = 0; minor < loopDevicesInUse + freeLoopDevices; minor++) {
    devices.push({ path: `/dev/loop${minor}`, type: 'b', major: loopMajor, minor })
  }
  return devices
}
