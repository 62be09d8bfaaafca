/** Linux capabilities by number. Source: linux/include/uapi/linux/capability.h. */
export const capabilityNames: readonly string[] = (
  'CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE ' +
  'NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN ' +
  'SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE ' +
  'MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE'
)
  .split(' ')
  .map(name => `CAP_${name}`)

/** What a sandboxed build step may do. Source: containerd v2.1 pkg/oci/spec.go, `defaultUnixCaps`. */
export const defaultCapabilities: readonly string[] = (
  'CHOWN DAC_OVERRIDE FSETID FOWNER MKNOD NET_RAW SETGID SETUID SETFCAP SETPCAP NET_BIND_SERVICE SYS_CHROOT KILL ' +
  'AUDIT_WRITE'
)
  .split(' ')
  .map(name => `CAP_${name}`)

/**
 * The capabilities that a process holds, from the text of its /proc/<pid>/status (`CapEff`). A build step without a
 * sandbox gets all that we have: what we lack cannot be given. Numbers that have no name yet are left out.
 */
export function heldCapabilities(status: string): string[] {
  const hex = /^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1]
  const bits = BigInt(`0x${hex ?? '0'}`)
  return capabilityNames.filter((_, number) => (bits >> BigInt(number)) & 1n)
}
