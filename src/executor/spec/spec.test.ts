import assert from 'node:assert/strict'
import { test } from 'node:test'
import { goJson, type JsonValue } from '../../gostd/json.ts'
import type { ContainerSpec } from '../executor.ts'
import { defaultCapabilities, heldCapabilities } from './capabilities.ts'
import { addMounts, generateSpec, type MachineFeatures, type SpecOptions } from './generate-spec.ts'
import { hostsFile } from './hosts-file.ts'
import { insecureDevices } from './insecure-devices.ts'
import { resourcesOf, rlimitsOf } from './limits.ts'
import { containerResolvConf, isSystemdStub, parseResolvConf } from './resolv-conf.ts'
import { defaultSeccomp, kernelAtLeast } from './seccomp.ts'

const features: MachineFeatures = {
  arch: 'amd64',
  kernel: '6.1.0',
  rootless: false,
  seccomp: true,
  cgroupNamespace: false,
  capabilities: ['CAP_CHOWN', 'CAP_SYS_ADMIN'],
  loopDevices: 1,
}

const options: SpecOptions = {
  features,
  network: 'host',
  rootfs: '/run/x/rootfs',
  hostsFile: '/run/x/hosts',
  resolvConf: '/run/x/resolv.conf',
  cgroupsPath: '/slipway/one',
}

const container: ContainerSpec = {
  id: 'one',
  root: { kind: 'overlay', lowers: [] },
  readonlyRoot: false,
  mounts: [],
  process: {
    args: ['/bin/sh', '-c', 'true'],
    env: ['PATH=/bin'],
    cwd: '/work',
    user: { uid: 1, gid: 2, groups: [3] },
  },
  network: 'default',
  security: 'sandbox',
  extraHosts: [],
  ulimits: [],
}

test('a sandboxed container has the defaults of BuildKit', () => {
  const { linux, ...spec } = generateSpec(container, options)
  const { seccomp, ...rest } = linux
  assert.deepEqual(spec, {
    ociVersion: '1.0.2',
    process: {
      terminal: false,
      user: { uid: 1, gid: 2, additionalGids: [2, 3] },
      args: ['/bin/sh', '-c', 'true'],
      env: ['PATH=/bin'],
      cwd: '/work',
      capabilities: {
        bounding: defaultCapabilities,
        effective: defaultCapabilities,
        permitted: defaultCapabilities,
      },
      noNewPrivileges: false,
    },
    root: { path: '/run/x/rootfs', readonly: false },
    hostname: 'buildkitsandbox',
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid', 'noexec', 'nodev'] },
      {
        destination: '/dev',
        type: 'tmpfs',
        source: 'tmpfs',
        options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'],
      },
      {
        destination: '/dev/pts',
        type: 'devpts',
        source: 'devpts',
        options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'],
      },
      {
        destination: '/dev/shm',
        type: 'tmpfs',
        source: 'shm',
        options: ['nosuid', 'noexec', 'nodev', 'mode=1777', 'size=65536k'],
      },
      {
        destination: '/dev/mqueue',
        type: 'mqueue',
        source: 'mqueue',
        options: ['nosuid', 'noexec', 'nodev'],
      },
      { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['nosuid', 'noexec', 'nodev', 'ro'] },
      {
        destination: '/sys/fs/cgroup',
        type: 'cgroup',
        source: 'cgroup',
        options: ['ro', 'nosuid', 'noexec', 'nodev'],
      },
      {
        destination: '/etc/resolv.conf',
        type: 'bind',
        source: '/run/x/resolv.conf',
        options: ['nosuid', 'noexec', 'nodev', 'rbind', 'ro'],
      },
      {
        destination: '/etc/hosts',
        type: 'bind',
        source: '/run/x/hosts',
        options: ['nosuid', 'noexec', 'nodev', 'rbind', 'ro'],
      },
    ],
  })
  assert.deepEqual(rest, {
    maskedPaths: [
      '/proc/acpi',
      '/proc/asound',
      '/proc/kcore',
      '/proc/keys',
      '/proc/latency_stats',
      '/proc/timer_list',
      '/proc/timer_stats',
      '/proc/sched_debug',
      '/sys/firmware',
      '/sys/devices/virtual/powercap',
      '/proc/scsi',
    ],
    readonlyPaths: ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'],
    cgroupsPath: '/slipway/one',
    resources: { devices: [{ allow: false, access: 'rwm' }] },
    namespaces: [{ type: 'pid' }, { type: 'ipc' }, { type: 'uts' }, { type: 'mount' }],
  })
  assert.deepEqual(seccomp?.architectures, ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32'])
})

test('a container without a sandbox has all we have, no filter and the devices of the host', () => {
  const { process, linux, mounts } = generateSpec({ ...container, security: 'insecure' }, options)
  const all = [...defaultCapabilities, 'CAP_SYS_ADMIN']
  assert.deepEqual(process.capabilities, {
    bounding: all,
    effective: all,
    permitted: all,
    inheritable: all,
    ambient: all,
  })
  assert.equal(linux.seccomp, undefined)
  assert.deepEqual([linux.maskedPaths, linux.readonlyPaths], [[], []])
  assert.equal(linux.devices?.length, 6 + 1 + 8)
  assert.deepEqual(
    linux.resources?.devices?.map(rule => rule.allow),
    [true, true],
  )
  const writable = mounts.filter(mount => mount.destination.startsWith('/sys'))
  assert.ok(writable.every(mount => mount.options?.includes('rw') && !mount.options.includes('ro')))
})

test('namespaces follow the network and the control groups', () => {
  const types = (change: Partial<SpecOptions>): string =>
    generateSpec(container, { ...options, ...change })
      .linux.namespaces.map(({ type }) => type)
      .join(' ')
  assert.equal(types({ network: 'private' }), 'pid ipc uts mount network')
  assert.equal(types({ features: { ...features, cgroupNamespace: true } }), 'pid ipc uts mount cgroup')
})

test('a rootless container has no control groups, no devices and the /sys of the host, read-only', () => {
  const rootless = { ...options, features: { ...features, rootless: true } }
  const { linux, mounts } = generateSpec({ ...container, security: 'insecure' }, rootless)
  assert.equal(linux.cgroupsPath, undefined)
  assert.equal(linux.resources, undefined)
  assert.equal(linux.devices, undefined)
  const sys = mounts.filter(mount => mount.destination.startsWith('/sys'))
  assert.deepEqual(
    sys.map(mount => [mount.destination, mount.source, mount.options?.includes('rro')]),
    [['/sys', '/sys', true]],
  )
})

test('limits: ulimits, memory, processors', () => {
  assert.equal(
    goJson(rlimitsOf([{ name: 'nofile', soft: 5, hard: -1 }]) as unknown as JsonValue),
    '[{"type":"RLIMIT_NOFILE","hard":18446744073709551615,"soft":5}]',
  )
  const limits = {
    memory: 1,
    memorySwap: -1,
    cpuShares: 2,
    cpuQuota: 3,
    cpuPeriod: 4,
    cpusetCpus: '0',
    cpusetMems: '1',
  }
  assert.deepEqual(resourcesOf(limits, false), {
    devices: [{ allow: false, access: 'rwm' }],
    memory: { limit: 1, swap: -1 },
    cpu: { shares: 2, quota: 3, period: 4, cpus: '0', mems: '1' },
  })
  assert.deepEqual(resourcesOf({ memory: 0 }, false), { devices: [{ allow: false, access: 'rwm' }] })
})

test('/dev/shm, host name, terminal and profile are taken over', () => {
  const spec = generateSpec(
    { ...container, hostname: 'box', shmSize: 1000, readonlyRoot: true },
    { ...options, apparmorProfile: 'p', terminal: { rows: 2, columns: 3 } },
  )
  assert.equal(spec.hostname, 'box')
  const shm = spec.mounts.find(mount => mount.destination === '/dev/shm')
  assert.deepEqual(shm?.options, ['nosuid', 'mode=1777', 'size=1000'])
  assert.equal(spec.root.readonly, true)
  assert.deepEqual([spec.process.terminal, spec.process.consoleSize], [true, { height: 2, width: 3 }])
  assert.equal(spec.process.apparmorProfile, 'p')
})

test('mounts are added parents first, and replace standard ones on their place', () => {
  const spec = generateSpec(container, options)
  const standard = spec.mounts.length
  addMounts(spec, [
    { destination: '/a/b', source: '1' },
    { destination: '/dev/shm', source: 'other' },
    { destination: '/a', source: '2' },
    { destination: '/a/b', source: '3' },
  ])
  assert.deepEqual(
    spec.mounts.slice(standard).map(({ destination, source }) => [destination, source]),
    [
      ['/a', '2'],
      ['/a/b', '3'],
    ],
  )
  assert.equal(spec.mounts.find(mount => mount.destination === '/dev/shm')?.source, 'other')
})

test('capabilities are read from the status of a process', () => {
  assert.deepEqual(heldCapabilities('Name:\tx\nCapEff:\t0000000000000003\n'), [
    'CAP_CHOWN',
    'CAP_DAC_OVERRIDE',
  ])
  assert.equal(heldCapabilities('CapEff:\t000001ffffffffff\n').length, 41)
  assert.deepEqual(heldCapabilities(''), [])
  const sandbox = defaultCapabilities.reduce((bits, name) => {
    const all = heldCapabilities('CapEff:\t000001ffffffffff\n')
    return bits | (1n << BigInt(all.indexOf(name)))
  }, 0n)
  assert.equal(sandbox, 0xa80425fbn)
})

test('the system call profile depends on capabilities, machine and kernel', () => {
  const allowed = (change: Partial<Parameters<typeof defaultSeccomp>[0]>): Set<string> => {
    const facts = { arch: 'amd64', capabilities: defaultCapabilities, kernel: '6.1.0-13-amd64', ...change }
    const rules = defaultSeccomp(facts).syscalls.filter(rule => rule.action === 'SCMP_ACT_ALLOW')
    return new Set(rules.flatMap(rule => rule.names))
  }
  assert.ok(allowed({}).has('openat2') && allowed({}).has('arch_prctl') && allowed({}).has('chroot'))
  assert.ok(!allowed({}).has('mount') && !allowed({}).has('bpf') && !allowed({}).has('reboot'))
  assert.ok(allowed({ capabilities: [...defaultCapabilities, 'CAP_SYS_ADMIN'] }).has('mount'))
  assert.ok(allowed({}).has('ptrace') && !allowed({ kernel: '4.4.0' }).has('ptrace'))
  assert.ok(allowed({ arch: 'arm64' }).has('set_tls') && !allowed({ arch: 'arm64' }).has('arch_prctl'))
})

test('clone may not make namespaces, and clone3 looks as if it did not exist', () => {
  const facts = { capabilities: [], kernel: '6.1' }
  const rules = (arch: string) => defaultSeccomp({ ...facts, arch }).syscalls
  assert.deepEqual(
    rules('amd64').filter(rule => rule.names.some(name => name.startsWith('clone'))),
    [
      {
        names: ['clone'],
        action: 'SCMP_ACT_ALLOW',
        args: [{ index: 0, value: 0x7e020000, valueTwo: 0, op: 'SCMP_CMP_MASKED_EQ' }],
      },
      { names: ['clone3'], action: 'SCMP_ACT_ERRNO', errnoRet: 38 },
    ],
  )
  assert.equal(rules('s390x').find(rule => rule.names[0] === 'clone')?.args?.[0]?.index, 1)
})

test('kernel releases are compared by major and minor version', () => {
  assert.equal(kernelAtLeast('4.8.0', [4, 8]), true)
  assert.equal(kernelAtLeast('4.7.99', [4, 8]), false)
  assert.equal(kernelAtLeast('10.0-rc1', [4, 8]), true)
  assert.equal(kernelAtLeast('strange', [4, 8]), false)
})

test('the hosts file names the container and the extra hosts', () => {
  assert.equal(
    hostsFile('box', [{ host: 'db', ip: '10.0.0.1' }]),
    '127.0.0.1\tlocalhost box\n::1\tlocalhost ip6-localhost ip6-loopback\n10.0.0.1\tdb\n',
  )
})

const resolved = `# comment
nameserver 127.0.0.53
nameserver 10.0.0.2
nameserver fe80::1%eth0
nameserver nonsense
domain old
search a b
options ndots:2
options edns0
sortlist 1.2.3.4
`

test('resolv.conf keeps everything but servers on the loopback interface', () => {
  const host = parseResolvConf(resolved)
  const rest =
    'nameserver 10.0.0.2\nnameserver fe80::1%eth0\nsearch a b\noptions ndots:2 edns0\nsortlist 1.2.3.4\n'
  assert.equal(containerResolvConf(host, { hostNetwork: false }), rest)
  assert.equal(containerResolvConf(host, { hostNetwork: true }), `nameserver 127.0.0.53\n${rest}`)
})

test('where no server is left come public ones', () => {
  const only =
    'nameserver 8.8.8.8\nnameserver 8.8.4.4\nnameserver 2001:4860:4860::8888\nnameserver 2001:4860:4860::8844\n'
  assert.equal(containerResolvConf(parseResolvConf(''), { hostNetwork: true }), only)
  assert.equal(containerResolvConf(parseResolvConf('nameserver ::1\n'), { hostNetwork: false }), only)
})

test('a configuration replaces what the host says', () => {
  const dns = { nameservers: ['127.0.0.1'], options: ['x'], searchDomains: ['.', 'c'] }
  assert.equal(
    containerResolvConf(parseResolvConf(resolved), { hostNetwork: false, dns }),
    'nameserver 127.0.0.1\nsearch c\noptions x\nsortlist 1.2.3.4\n',
  )
  const bad = { hostNetwork: false, dns: { nameservers: ['dns.example'] } }
  assert.throws(() => containerResolvConf(parseResolvConf(''), bad), { code: 'invalid-argument' })
})

test('the stub of systemd-resolved is recognised', () => {
  assert.equal(isSystemdStub(parseResolvConf('nameserver 127.0.0.53\n')), true)
  assert.equal(isSystemdStub(parseResolvConf('nameserver 127.0.0.53\nnameserver 1.1.1.1\n')), false)
})

test('loop devices in use and eight free ones are offered', () => {
  const loops = insecureDevices(2).filter(device => device.type === 'b')
  assert.deepEqual([loops.length, loops[9]?.path], [10, '/dev/loop9'])
})
