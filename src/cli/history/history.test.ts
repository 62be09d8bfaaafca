import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { tabColumns } from '../../gostd/tab-columns.ts'
import { provenanceMode } from '../provenance-metadata.ts'
import { buildName } from './build-name.ts'
import { buildSettings, valuesWithPrefix } from './inspect-config.ts'
import { inspectText } from './inspect-text.ts'
import { inspectFields } from './inspect-json.ts'
import { jaegerTrace } from './jaeger-trace.ts'
import { historyFilters } from './record-filters.ts'
import { shortDuration } from './short-duration.ts'
import { tracePage } from './trace-page.ts'

const state = (localPath: string, dockerfilePath: string) => ({
  target: 'default',
  localPath,
  dockerfilePath,
})

describe('names of builds', () => {
  const cases: readonly (readonly [string, Parameters<typeof buildName>])[] = [
    ['mine', [{ 'build-arg:BUILDKIT_BUILD_NAME': 'mine', target: 't' }, undefined]],
    ['app', [{ filename: 'Dockerfile' }, state('/home/me/app', '/home/me/app/Dockerfile')]],
    [
      'app/other.Dockerfile',
      [{ filename: 'other.Dockerfile' }, state('/home/me/app', '/home/me/app/other.Dockerfile')],
    ],
    ['app (test)', [{ target: 'test' }, state('/home/me/app', '/home/me/app/Dockerfile')]],
    ['test', [{ target: 'test' }, undefined]],
    ['https://host/r.git', [{ context: 'https://host/r.git' }, undefined]],
    ['https://host/r.git', [{ 'vcs:source': 'https://host/r.git' }, undefined]],
    ['https://host/r.git#main', [{ 'input:context': 'https://host/r.git?ref=main' }, undefined]],
    ['', [{ 'input:context': 'https://host/r.tar' }, undefined]],
  ]
  for (const [name, args] of cases) it(name, () => assert.equal(buildName(...args), name))
})

describe('filters', () => {
  it('are put into the daemon’s language, all of them to match', () => {
    assert.deepEqual(historyFilters([]), [])
    assert.deepEqual(
      historyFilters(['ref=ab', 'repository!=x', 'status=error', 'duration>=1m', 'startedAt<2h']),
      ['ref~=ab,repository!=x,status==error,duration>=1m,startedAt<2h'],
    )
    assert.deepEqual(historyFilters(['repository=a,b']), ['"repository~=a,b"'])
  })

  it('that make no sense are refused in the words of buildx', () => {
    assert.throws(() => historyFilters(['foo']), /invalid filter "foo"/)
    assert.throws(() => historyFilters(['foo=1']), /unsupported filter "foo=1"/)
    assert.throws(() => historyFilters(['ref>1']), /invalid separator for "ref>1", expected = or !=/)
    assert.throws(
      () => historyFilters(['duration=1']),
      /invalid separator for "duration=1", expected <=, <, >= or >/,
    )
  })
})

describe('a build in full', () => {
  const attrs = {
    'no-cache': '',
    'add-hosts': 'a=1,b=2',
    memory: '1048576',
    'build-arg:B': '2',
    'build-arg:A': '1',
    'vcs:source': 'x',
    zzz: 'rest',
  }

  it('has its settings in order', () => {
    assert.deepEqual(buildSettings(attrs), {
      ExtraHosts: ['a=1', 'b=2'],
      NoCache: true,
      Memory: '1048576',
      RestRaw: [{ Name: 'zzz', Value: 'rest' }],
    })
    assert.deepEqual(
      valuesWithPrefix(attrs, 'build-arg:')?.map(one => one.Name),
      ['A', 'B'],
    )
    assert.equal(valuesWithPrefix(attrs, 'label:'), undefined)
  })

  it('is printed with tabs, as buildx prints it', () => {
    const text = inspectText(
      {
        Name: 'app',
        Ref: 'r',
        startedMs: 0,
        started: { seconds: 0n, nanos: 0 },
        durationMs: 65_400,
        Status: 'failed',
        Error: { Code: 2, Message: 'oops', Name: 'RUN x', Logs: ['last words'] },
        NumCompletedSteps: 3,
        NumTotalSteps: 4,
        NumCachedSteps: 1,
        Config: buildSettings(attrs),
        Materials: [{ URI: 'pkg:docker/a@1', Digests: ['sha256:1'] }],
      },
      { withRef: true, withStack: false },
    ).replace(/Started:.*\n/, '')
    assert.equal(
      text,
      [
        'Name:\tapp\nRef:\tr\n',
        'Duration:\t1m  5s\nError:\t\tUnknown oops\nBuild Steps:\t3/4 (25% cached)\n',
        'Extra Hosts:\ta=1, b=2\nNo Cache:\ttrue\nMemory:\t\t1MiB\nzzz:\t\trest\n',
        'Materials:\nURI\t\tDIGEST\npkg:docker/a@1\tsha256:1\n',
        'Logs:\n> => RUN x:\n> last words\n\n',
      ].join('\n'),
    )
  })

  it('tells how to see where a failure came from, or shows it', () => {
    const build = {
      Ref: 'r',
      startedMs: 0,
      started: { seconds: 0n, nanos: 0 },
      durationMs: 1,
      Status: 'failed' as const,
      Error: { Code: 2, Message: 'oops', Stack: Buffer.from('oops\n7 v1 x\n\n') },
      NumCompletedSteps: 1,
      NumTotalSteps: 1,
      NumCachedSteps: 0,
      Config: {},
    }
    const end = (withStack: boolean): string =>
      inspectText(build, { withRef: true, withStack }).split('cached)\n')[1] ?? ''
    assert.equal(end(false), '\n\nEnable --debug to see stack traces for error\n')
    assert.equal(end(true), '\n\n\noops\n7 v1 x\n\n\n')
  })

  it('has its times to the nanosecond, as the daemon wrote them', () => {
    const fields = inspectFields({
      Ref: 'r',
      startedMs: 1_795_278_466_190,
      started: { seconds: 1_795_278_466n, nanos: 190_050_060 },
      completed: { seconds: 1_795_278_467n, nanos: 190_050_061 },
      durationMs: 1000,
      Status: 'completed',
      NumCompletedSteps: 1,
      NumTotalSteps: 1,
      NumCachedSteps: 0,
      Config: {},
    })
    assert.equal(fields['StartedAt'], '2026-11-21T16:27:46.19005006Z')
    assert.equal(fields['CompletedAt'], '2026-11-21T16:27:47.190050061Z')
    assert.equal(fields['Duration'], 1_000_000_001)
  })

  it('has columns as wide as their longest cell', () => {
    assert.equal(
      tabColumns([
        ['12345678', 'x'],
        ['', 'y'],
      ]),
      '12345678\tx\n\t\ty\n',
    )
    assert.equal(shortDuration(4249), '4.2s')
  })
})

describe('traces', () => {
  const span = (Name: string, SpanID: string, more: object = {}): string =>
    JSON.stringify(
      {
        Name,
        SpanContext: { TraceID: 't', SpanID, TraceFlags: '01' },
        Parent: { TraceID: 't', SpanID: '0' },
        SpanKind: 1,
        StartTime: '1970-01-01T00:00:01Z',
        EndTime: '1970-01-01T00:00:01.5Z',
        Attributes: [{ Key: 'vertex', Value: { Type: 'STRING', Value: 'sha256:1' } }],
        Resource: [{ Key: 'service.name', Value: { Type: 'STRING', Value: 'buildkitd' } }],
        ...more,
      },
      undefined,
      2,
    )

  it('are read from a stream of objects', () => {
    const failed = { Status: { Code: 'Error', Description: 'no' } }
    const trace = jaegerTrace(`${span('a', '1')}\n${span('<b>', '2', failed)}\n`)
    const json = trace?.json as unknown as { spans: Parameters<typeof tracePage>[0][number]['spans'] }
    assert.equal(trace?.traceId, 't')
    assert.deepEqual(
      json.spans.map(one => [one.operationName, one.startTime, one.duration]),
      [
        ['a', 1_000_000, 500_000],
        ['<b>', 1_000_000, 500_000],
      ],
    )
    const page = tracePage([{ title: 'x', spans: json.spans }])
    assert.ok(page.includes('&lt;b&gt;') && page.includes('bar error') && !page.includes('<b>'))
    assert.equal(jaegerTrace(''), undefined)
  })

  // Times and tags recorded from docker-buildx 0.36.1.
  it('loses what is left of a microsecond, and names libraries and other traces', () => {
    const context = { TraceID: 't', SpanID: 's' }
    const one = {
      Name: 'x',
      ...{ SpanContext: context, Parent: context, Links: [{ SpanContext: context }], SpanKind: 1 },
      StartTime: '2026-11-21T16:27:46.524573999Z',
      EndTime: '2026-11-21T16:27:46.524819998Z',
      InstrumentationLibrary: { Name: 'lib', Version: '1' },
    }
    const { spans } = (jaegerTrace(JSON.stringify(one)) ?? assert.fail()).json as unknown as {
      spans: Record<string, unknown>[]
    }
    const { startTime, duration, tags, logs, references } = spans[0] ?? {}
    assert.deepEqual([startTime, duration, logs], [1_795_278_466_524_573, 245, null])
    assert.deepEqual(tags, [
      { key: 'otel.library.name', type: 'string', value: 'lib' },
      { key: 'otel.library.version', type: 'string', value: '1' },
    ])
    assert.deepEqual(
      (references as { refType: string }[]).map(({ refType }) => refType),
      ['FOLLOWS_FROM', 'CHILD_OF'],
    )
  })
})

describe('provenance of metadata files', () => {
  it('is as the environment says', () => {
    const modes = [undefined, '', 'min', 'max', 'disabled', 'false', '0', 'true', 'nonsense'].map(
      provenanceMode,
    )
    assert.deepEqual(modes, ['min', 'min', 'min', 'max', 'disabled', 'disabled', 'disabled', 'min', 'min'])
  })
})
