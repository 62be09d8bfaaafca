import type { Duplex } from 'node:stream'
import { listen } from '../../src/buildkit/server/listen.ts'
import { createServerRoutes } from '../../src/buildkit/server/server-routes.ts'
import { fakeEngine } from '../../src/buildkit/server/fake-engine.ts'
import { SessionStore } from '../../src/session/session.ts'
import type { Routes } from '../../src/session/transport/routes.ts'
import { serveDuplex } from '../../src/session/transport/serve-http2.ts'

/** What a daemon that builds nothing says of itself. */
export interface FakeDaemonOptions {
  readonly id: string
  /** `os/arch[/variant]`, native one first. */
  readonly platforms: readonly string[]
  readonly labels?: Readonly<Record<string, string>>
  readonly version?: string
  /** It is too old to tell its version. */
  readonly isSilent?: boolean
  /** With garbage collection, devices and records of cache. */
  readonly full?: boolean
}

const day = 86_400n * 1_000_000_000n
const moment = (milliseconds: number): { seconds: bigint; nanos: number } => ({
  seconds: BigInt(Math.floor(milliseconds / 1000)),
  nanos: 0,
})

/** Records of cache as lists show them; `now` in milliseconds. */
const records = (now: number): Parameters<typeof Object.assign>[0][] => [
  {
    ID: 'aaaaaaaaaaaaaaaaaaaaaaaaa',
    Size: 4096n,
    CreatedAt: moment(1_700_000_000_000),
    LastUsedAt: moment(now - 3 * 3600 * 1000 - 60_000),
    UsageCount: 3n,
    Description: 'mount / from exec /bin/sh -c true',
    RecordType: 'regular',
    Parents: ['bbbbbbbbbbbbbbbbbbbbbbbbb', 'ccccccccccccccccccccccccc'],
  },
  {
    ID: 'bbbbbbbbbbbbbbbbbbbbbbbbb',
    Size: 123_456_789n,
    CreatedAt: moment(1_700_000_001_000),
    UsageCount: 0n,
    InUse: true,
    Shared: true,
    Description: 'pulled from docker.io/library/busybox:latest',
    RecordType: 'regular',
  },
  {
    ID: 'ccccccccccccccccccccccccc',
    Size: 0n,
    Mutable: true,
    CreatedAt: moment(1_700_000_002_000),
    LastUsedAt: moment(now - 45 * 24 * 3600 * 1000),
    UsageCount: 12n,
    Description: 'local source for context',
    RecordType: 'source.local',
  },
]

/** The services of a daemon with fixed answers: workers, version, disk usage, prune. */
export function fakeDaemon(options: FakeDaemonOptions): Routes {
  const platforms = options.platforms.map(text => {
    const [OS = '', Architecture = '', Variant = ''] = text.split('/')
    return { OS, Architecture, Variant }
  })
  const full = options.full === true
  const control = {
    listWorkers: async () => ({
      record: [
        {
          ID: options.id,
          Labels: { ...options.labels },
          platforms,
          GCPolicy: full ? gcPolicy : [],
          CDIDevices: full ? devices : [],
        },
      ],
    }),
    info: async () => ({
      buildkitVersion: {
        package: 'github.com/moby/buildkit',
        version: options.version ?? 'v0.32.2',
        revision: 'abc',
      },
    }),
    diskUsage: async () => ({ record: full ? records(Date.now()) : [] }),
    async *prune(request: { readonly all: boolean }) {
      if (full) yield* records(Date.now()).slice(request.all ? 0 : 1)
    },
    async *listenBuildHistory() {},
  }
  if (options.isSilent === true) Reflect.deleteProperty(control, 'info')
  return createServerRoutes(fakeEngine(control as never), new SessionStore())
}

const gcPolicy = [
  {
    all: false,
    filters: ['type==source.local,type==exec.cachemount,type==source.git.checkout'],
    keepDuration: 2n * day,
    maxUsedSpace: 512n * 1024n * 1024n,
  },
  {
    all: true,
    keepDuration: 60n * day,
    reservedSpace: 10n << 30n,
    maxUsedSpace: 100n << 30n,
    minFreeSpace: 20n << 30n,
  },
]

const devices = [
  { Name: 'vendor.example/gpu=0', AutoAllow: true, Annotations: { 'org.example.kind': 'big' } },
  { Name: 'vendor.example/late=all', OnDemand: true },
]

/** Listens on a unix socket. */
export async function startFakeDaemon(path: string, options: FakeDaemonOptions): Promise<AsyncDisposable> {
  return await listen([`unix://${path}`], fakeDaemon(options))
}

/** Speaks over a byte stream that somebody else opened. */
export function serveFakeDaemon(stream: Duplex, options: FakeDaemonOptions): void {
  serveDuplex(stream, fakeDaemon(options))
}
