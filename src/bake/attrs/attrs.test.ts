import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  attestRequests,
  canonicalAttest,
  distinctAttests,
  parseAttestEntries,
  writeAttestEntry,
} from './attest-entry.ts'
import { parseCacheEntries, writeCacheEntry } from './cache-entry.ts'
import { parseCallFunction } from './call-function.ts'
import { parseContextNames } from './context-names.ts'
import { parseExportEntries, parseExportEntry, writeExportEntry } from './export-entry.ts'
import { planExports } from './export-plan.ts'
import { parseExtraHost } from './extra-hosts.ts'
import { parsePolicyEntry } from './policy-entry.ts'
import { parseResourceLimits } from './resources.ts'
import { distinctSecrets, parseSecretEntries, parseSecretEntry, writeSecretEntry } from './secret-entry.ts'
import { parseSshEntry, writeSshEntry } from './ssh-entry.ts'
import { parseUlimit, writeUlimit } from '../../gostd/ulimit.ts'

const refuses = (read: (text: string) => unknown, vectors: readonly (readonly [string, string])[]): void => {
  for (const [text, message] of vectors)
    assert.throws(() => read(text), { code: 'invalid-argument', message }, JSON.stringify(text))
}

describe('outputs', () => {
  it('are a path, standard output, or a type with attributes', () => {
    const write = (text: string): string => writeExportEntry(parseExportEntry(text))
    assert.equal(write('out'), 'type=local,dest=out')
    assert.equal(write('-'), 'type=tar,dest=-')
    assert.equal(write('type=image, name=a ,PUSH=true'), 'type=image,name=a ,push=true')
    assert.equal(write('"type=image","name=a,b"'), 'type=image,"name=a,b"')
  })

  it('are refused without a type, or with what is no key and value', () => {
    refuses(parseExportEntry, [
      ['dest=x,name=y', 'type is required for output'],
      ['type=local,dest', 'invalid value dest'],
      ['', 'EOF'],
    ])
  })

  it('are checked against the disk', () => {
    const plan = (text: string): unknown =>
      planExports(parseExportEntries([text]), {
        stat: path => (path === 'file' ? 'file' : path === 'dir' ? 'directory' : undefined),
        stdoutIsTerminal: true,
      })
    refuses(plan, [
      ['type=local', 'dest is required for local exporter'],
      ['type=local,dest=-', 'dest cannot be stdout for local exporter'],
      ['type=local,dest=file', 'destination directory file is a file'],
      ['type=tar,dest=dir', 'destination file dir is a directory'],
      ['type=oci', 'dest file is required for oci exporter. refusing to write to console'],
    ])
    assert.deepEqual(structuredClone(plan('type=registry,name=x')), [
      { type: 'image', attributes: { unpack: 'false', name: 'x', push: 'true' } },
    ])
    assert.deepEqual(structuredClone(plan('type=oci,tar=false,dest=dir')), [
      { type: 'oci', attributes: { tar: 'false' }, directory: 'dir' },
    ])
  })

  it('use standard output once only', () => {
    const entries = parseExportEntries(['type=tar', 'type=oci'])
    assert.throws(() => planExports(entries, { stat: () => undefined, stdoutIsTerminal: false }), {
      message: 'multiple outputs configured to write to stdout',
    })
  })
})

describe('caches', () => {
  it('are references or a type with attributes', () => {
    assert.deepEqual(parseCacheEntries(['user/app', 'type=gha,scope=x', '']).map(writeCacheEntry), [
      'user/app',
      'type=gha,scope=x',
    ])
    refuses(
      text => parseCacheEntries([text]),
      [
        ['ref=x', 'type required for "ref=x"'],
        ['type=gha,scope', 'invalid value scope'],
      ],
    )
  })
})

describe('secrets', () => {
  it('come from files and from the environment', () => {
    assert.deepEqual(parseSecretEntry('id=a,src=f'), { id: 'a', source: 'f' })
    assert.deepEqual(parseSecretEntry('id=a,source=f,type=file'), { id: 'a', source: 'f' })
    assert.deepEqual(parseSecretEntry('id=a,env=E'), { id: 'a', env: 'E' })
    assert.equal(writeSecretEntry(parseSecretEntry('id=a,type=env,src=E')), 'id=a,env=E')
    refuses(parseSecretEntry, [
      ['bad', "invalid field 'bad' must be a key=value pair"],
      ['id=a,type=x', 'unsupported secret type "x"'],
      ['id=a,x=y', "unexpected key 'x' in 'x=y'"],
    ])
  })

  it('of one name are one secret, the last of them', () => {
    assert.deepEqual(distinctSecrets(parseSecretEntries(['id=a,src=1', 'id=b', 'id=a,src=2'])), [
      { id: 'a', source: '2' },
      { id: 'b' },
    ])
  })
})

describe('SSH agents', () => {
  it('have a name and keys or sockets', () => {
    assert.deepEqual(parseSshEntry('default'), { id: 'default', paths: [] })
    assert.deepEqual(parseSshEntry('k=a,b'), { id: 'k', paths: ['a', 'b'] })
    assert.equal(writeSshEntry(parseSshEntry('k=a,b')), '"k=a,b"')
  })
})

describe('attestations', () => {
  it('replace earlier ones of their type', () => {
    const entries = distinctAttests(
      parseAttestEntries(['type=sbom', 'type=sbom,generator=x', 'type=provenance']),
    )
    assert.deepEqual(entries.map(writeAttestEntry), ['type=sbom,generator=x', 'type=provenance'])
  })

  it('are asked of the engine with their attributes, and switched off by name', () => {
    const entries = parseAttestEntries(['type=provenance,mode=max', 'type=sbom,disabled=true'])
    assert.deepEqual(
      [...attestRequests(entries)],
      [
        ['provenance', 'type=provenance,mode=max'],
        ['sbom', undefined],
      ],
    )
  })

  it('are written in short by the flags that name their type', () => {
    assert.equal(canonicalAttest('sbom', ''), '')
    assert.equal(canonicalAttest('sbom', 'true'), 'type=sbom,disabled=false')
    assert.equal(canonicalAttest('sbom', 'false'), 'type=sbom,disabled=true')
    assert.equal(canonicalAttest('provenance', 'mode=max'), 'type=provenance,mode=max')
  })

  it('need a type, and count once for each', () => {
    refuses(text => parseAttestEntries([text]), [['mode=max', 'attestation type not specified']])
    const twice = parseAttestEntries(['type=sbom,generator=a', 'type=sbom,generator=b'])
    assert.deepEqual([...attestRequests(twice)], [['sbom', 'type=sbom,generator=a']])
  })
})

describe('limits of resources', () => {
  it('are numbers of bytes, numbers, and texts', () => {
    assert.deepEqual(parseResourceLimits(['memory=1g', 'memory-swap=-1', 'cpu-quota=5', 'cpuset-cpus=0-1']), {
      memory: 1024 ** 3,
      memorySwap: -1,
      cpuQuota: 5n,
      cpusetCpus: '0-1',
    })
    refuses(
      text => parseResourceLimits([text]),
      [
        ['memory', 'invalid resource "memory", expected key=value'],
        ['x=1', 'unknown resource "x"'],
        ['memory=x', `invalid value "x" for resource memory: invalid size: 'x'`],
        [
          'cpu-quota=x',
          'invalid value "x" for resource cpu-quota: strconv.ParseInt: parsing "x": invalid syntax',
        ],
      ],
    )
  })

  it('of the kernel have a soft and a hard value', () => {
    assert.equal(writeUlimit(parseUlimit('nofile=5')), 'nofile=5:5')
    assert.equal(writeUlimit(parseUlimit('core=5:-1')), 'core=5:-1')
    refuses(parseUlimit, [
      ['foo', 'invalid ulimit argument: foo'],
      ['foo=1', 'invalid ulimit type: foo'],
      ['as=1', 'invalid ulimit type: as'],
      ['=1', 'invalid ulimit type: '],
      ['nofile=', 'strconv.ParseInt: parsing "": invalid syntax'],
      ['nofile=1:2:3', 'too many limit value arguments - 1:2:3, can only have up to two, `soft[:hard]`'],
      ['nofile=2:1', 'ulimit soft limit must be less than or equal to hard limit: 2 > 1'],
      ['nofile=x', 'strconv.ParseInt: parsing "x": invalid syntax'],
    ])
  })
})

describe('the other grammars', () => {
  it('read hosts with both separators and with brackets', () => {
    assert.equal(parseExtraHost('h:1.2.3.4'), 'h=1.2.3.4')
    assert.equal(parseExtraHost('h=[::1]'), 'h=::1')
    assert.equal(parseExtraHost('h=host-gateway'), 'h=host-gateway')
    refuses(parseExtraHost, [
      ['h', 'bad format for add-host: "h"'],
      ['h=999.1.1.1', 'invalid IP address in add-host: "999.1.1.1"'],
    ])
  })

  it('read contexts by name, with names of images shortened', () => {
    assert.deepEqual(
      [...parseContextNames(['a=./x', 'docker.io/library/alpine:latest=target:b', ''])],
      [
        ['a', './x'],
        ['alpine', 'target:b'],
      ],
    )
    refuses(text => parseContextNames([text]), [['a', 'invalid context value: a, expected key=value']])
  })

  it('read calls of the frontend', () => {
    assert.equal(parseCallFunction('build'), undefined)
    assert.deepEqual(parseCallFunction('check,format=json,ignorestatus=true'), {
      name: 'lint',
      format: 'json',
      ignoreStatus: true,
    })
    refuses(parseCallFunction, [
      ['a,b', 'invalid print value: a,b'],
      ['a,x=1', 'invalid print field: x=1'],
    ])
  })

  it('read policies', () => {
    assert.deepEqual(parsePolicyEntry('filename=a,filename=b,strict=true,log-level=warn'), {
      files: ['a', 'b'],
      reset: false,
      disabled: false,
      strict: true,
      logLevel: 'warning',
    })
    refuses(parsePolicyEntry, [
      ['a.rego', 'invalid value a.rego'],
      ['log-level=loud', 'invalid value log-level=loud: not a valid logrus Level: "loud"'],
    ])
  })
})
