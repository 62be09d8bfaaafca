// Images that stand in for the well-known ones of docker.io, made of Debian packages, because a build machine may have
// a Debian mirror and no registry in reach. Same names, same kind of content, other bytes.

/** How the tree of a stand-in is made. */
export type StandInKind = 'busybox' | 'debian' | 'golang'

/** A stand-in image. */
export interface StandIn {
  /** Repository on docker.io, such as `library/alpine`. */
  readonly repository: string
  readonly tags: readonly string[]
  readonly kind: StandInKind
  /** Packages whose closure is unpacked on top of what the kind brings. */
  readonly packages: readonly string[]
  /** OCI platforms; `native` is that of this machine. */
  readonly platforms: readonly string[]
  /** Text files on top. */
  readonly files?: Readonly<Record<string, string>>
  readonly config: Readonly<Record<string, unknown>>
}

/** Every platform that the tests emulate and that Debian 12 has a static busybox for. */
export const allPlatforms: readonly string[] = [
  'linux/amd64',
  'linux/arm64',
  'linux/arm/v7',
  'linux/arm/v6',
  'linux/s390x',
  'linux/386',
  'linux/ppc64le',
  'linux/mips64le',
]

const path = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
const debianBase = [
  'base-files',
  'base-passwd',
  'bash',
  'coreutils',
  'dash',
  'debianutils',
  'diffutils',
  'findutils',
]
const debianTools = ['grep', 'gzip', 'hostname', 'libc-bin', 'mawk', 'sed', 'tar']

const busybox: StandIn = {
  repository: 'library/busybox',
  tags: ['latest', 'stable', '1.36'],
  kind: 'busybox',
  packages: ['busybox-static'],
  platforms: allPlatforms,
  config: { Env: [path], Cmd: ['sh'] },
}

const alpine: StandIn = {
  ...busybox,
  repository: 'library/alpine',
  tags: ['latest', '3.12', '3.20'],
  files: {
    'etc/alpine-release': '3.20.0\n',
    'etc/os-release': 'NAME="Alpine Linux"\nID=alpine\nVERSION_ID=3.20.0\n',
  },
  config: { Env: [path], Cmd: ['/bin/sh'] },
}

const debian: StandIn = {
  repository: 'library/debian',
  tags: ['bookworm-slim', 'bookworm', 'latest'],
  kind: 'debian',
  packages: [...debianBase, ...debianTools],
  platforms: ['linux/amd64', 'linux/arm64'],
  config: { Env: [path], Cmd: ['bash'] },
}

const gcc: StandIn = {
  ...debian,
  repository: 'library/gcc',
  tags: ['bookworm', 'latest'],
  packages: [...debian.packages, 'gcc', 'libc6-dev'],
}

const golang: StandIn = {
  repository: 'library/golang',
  tags: ['1.21.9-alpine', 'alpine'],
  kind: 'golang',
  packages: ['busybox-static', 'golang-go'],
  platforms: ['native'],
  config: {
    Env: [`${path}:/usr/lib/go-1.19/bin`, 'GOPATH=/go', 'GOTOOLCHAIN=local', 'CGO_ENABLED=0'],
    Cmd: ['/bin/sh'],
    WorkingDir: '/go',
  },
}

/** The stand-ins by short name. */
export const standIns = { busybox, alpine, debian, gcc, golang } as const satisfies Record<string, StandIn>

/** Short name of a stand-in. */
export type StandInName = keyof typeof standIns
