import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { FlagSet } from '../../gostd/pflag/flag-set.ts'
import { declareServeFlags, type ServeFlags } from '../commands/serve-flags.ts'
import type { HostOutput } from '../host.ts'
import { applySettings } from './apply-settings.ts'
import { configNotes } from './config-notes.ts'
import { createDaemonLog } from './daemon-log.ts'

function flags(...args: string[]): ServeFlags {
  const set = new FlagSet()
  const read = declareServeFlags(set)
  set.parse(args)
  return read()
}

describe('flags of the daemon', () => {
  it('are put over what the configuration says', () => {
    const written = {
      root: '/a',
      grpc: { address: ['unix:///a'], gid: 5 },
      worker: { oci: { labels: { a: '1' }, gc: true } },
    }
    const { settings, notes } = flags(
      ...['--root', '/b', '--addr=tcp://:1', '--addr', 'fd://', '--oci-worker-labels=b=x=y'],
      ...['--oci-worker-gc=false', '--oci-max-parallelism=2', '--oci-worker-gc-keepstorage=10,20'],
    )
    assert.deepEqual(notes, [])
    assert.deepEqual(applySettings(written, settings), {
      root: '/b',
      grpc: { address: ['tcp://:1', 'fd://'], gid: 5 },
      worker: {
        oci: {
          labels: { a: '1', b: 'x=y' },
          gc: false,
          'max-parallelism': 2,
          reservedSpace: 10e6,
          minFreeSpace: 20e6,
          maxUsedSpace: 0,
        },
      },
    })
  })

  it('are those of buildkitd: what has no effect is said, except for what every command line has', () => {
    const given = flags(
      ...['--oci-worker=true', '--containerd-worker=false', '--debugaddr', 'x', '--oci-worker-rootless'],
      ...['--containerd-worker-net=host', '--oci-worker-selinux', '--containerd-worker-gc=false'],
    )
    assert.deepEqual(given.notes, [
      'flag --containerd-worker-net has no effect',
      'flag --oci-worker-selinux has no effect',
    ])
  })
})

describe('notes about a configuration', () => {
  it('name keys that nothing looks at', () => {
    const document = {
      root: '/x',
      proxyNetwork: true,
      registry: { 'docker.io': { mirrors: ['m'], http: true } },
      worker: { oci: { gc: true, selinux: true, labels: { any: '1' } }, containerd: { namespace: 'x' } },
      frontend: { 'gateway.v0': { enabled: false } },
      system: { platformsCacheMaxAge: '1h' },
      colour: { of: 'night' },
    }
    assert.deepEqual(configNotes(document), [
      'configuration key worker.oci.selinux has no effect',
      'configuration key colour.of has no effect',
    ])
  })
})

describe('the log of the daemon', () => {
  const lines = (format: string, level: string, isTTY = false): string => {
    let text = ''
    const output = { isTTY, write: (chunk: string) => void (text += chunk) } as unknown as HostOutput
    const log = createDaemonLog(output, { format, level, now: () => 1_700_000_000_000 })
    log('info', 'running server on /x')
    log('debug', 'fine')
    log('error', '"bad"')
    return text
  }

  it('has the forms of logrus', () => {
    assert.equal(
      lines('text', 'info'),
      'time="2023-11-14T22:13:20Z" level=info msg="running server on /x"\n' +
        'time="2023-11-14T22:13:20Z" level=error msg="\\"bad\\""\n',
    )
    assert.equal(
      lines('json', 'error'),
      '{"level":"error","msg":"\\"bad\\"","time":"2023-11-14T22:13:20Z"}\n',
    )
    assert.match(lines('text', 'debug', true), /^INFO\[2023-11-14T22:13:20Z\] running server on \/x\nDEBU/)
  })

  it('refuses other formats and levels', () => {
    assert.throws(() => lines('xml', 'info'), /unsupported log type "xml"/)
    assert.throws(() => lines('text', 'loud'), /unsupported log level: not a valid logrus Level: "loud"/)
  })
})
