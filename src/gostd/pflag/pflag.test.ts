import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { FlagSet } from './flag-set.ts'
import { flagUsages } from './flag-usages.ts'

const usage = 'x'

describe('FlagSet.parse', () => {
  it('reads every form of a flag, between arguments too', () => {
    const set = new FlagSet()
    const tag = set.stringArray('tag', { shorthand: 't', usage })
    const push = set.bool('push', { usage })
    const quiet = set.bool('quiet', { shorthand: 'q', usage })
    const debug = set.bool('debug', { shorthand: 'D', usage })
    const file = set.string('file', { shorthand: 'f', usage, initial: 'Dockerfile' })
    const argv = [
      '.',
      '-t',
      'a',
      '-tb',
      '-t=c',
      '--tag=d,e',
      '--tag',
      '',
      '--push=false',
      '-qDfx',
      'y',
      '--',
      '--push',
    ]
    const parsed = set.parse(argv)
    assert.deepEqual(parsed, { args: ['.', 'y', '--push'], dashAt: 2 })
    assert.deepEqual(tag.value, ['a', 'b', 'c', 'd,e', ''])
    assert.deepEqual(
      [push.value, push.changed, quiet.value, debug.value, file.value],
      [false, true, true, true, 'x'],
    )
  })

  it('takes - as an argument and stops at the first one when flags may not follow', () => {
    const set = new FlagSet({ interspersed: false })
    const push = set.bool('push', { usage })
    assert.deepEqual(set.parse(['--push', '-', '--push=false']).args, ['-', '--push=false'])
    assert.equal(push.value, true)
  })

  it('reads lists, maps, numbers, durations and counts', () => {
    const set = new FlagSet()
    const slice = set.stringSlice('add-host', { usage, initial: ['default'] })
    const map = set.stringToString('opt', { usage })
    const int = set.int64('n', { usage })
    const timeout = set.duration('timeout', { usage, initial: 20_000_000_000n })
    const verbose = set.count('verbose', { shorthand: 'v', usage })
    set.parse([
      '--add-host',
      'a,"b,c"',
      '--add-host=d',
      '--opt',
      'a=b,c',
      '--opt',
      'x=1,y=2',
      '--n',
      '0x10',
      '-vvv',
      '--timeout',
      '1m',
    ])
    assert.deepEqual(slice.value, ['a', 'b,c', 'd'])
    assert.deepEqual(
      [...map.value],
      [
        ['a', 'b,c'],
        ['x', '1'],
        ['y', '2'],
      ],
    )
    assert.deepEqual([int.value, verbose.value, timeout.value], [16, 3, 60_000_000_000n])
  })

  it('complains in the words of pflag', () => {
    const set = new FlagSet()
    set.bool('push', { usage })
    set.bool('debug', { shorthand: 'D', usage })
    set.string('output', { shorthand: 'o', usage })
    set.stringToString('opt', { usage })
    set.int('n', { usage })
    const cases: readonly (readonly [string[], string])[] = [
      [['--foo'], 'unknown flag: --foo'],
      [['--foo=1'], 'unknown flag: --foo'],
      [['-x'], "unknown shorthand flag: 'x' in -x"],
      [['-Dxy'], "unknown shorthand flag: 'x' in -xy"],
      [['--output'], 'flag needs an argument: --output'],
      [['-Do'], "flag needs an argument: 'o' in -o"],
      [
        ['--push=x'],
        'invalid argument "x" for "--push" flag: strconv.ParseBool: parsing "x": invalid syntax',
      ],
      [
        ['--debug=x'],
        'invalid argument "x" for "-D, --debug" flag: strconv.ParseBool: parsing "x": invalid syntax',
      ],
      [['--opt', 'a'], 'invalid argument "a" for "--opt" flag: a must be formatted as key=value'],
      [['--n', 'a'], 'invalid argument "a" for "--n" flag: strconv.ParseInt: parsing "a": invalid syntax'],
      [['--=x'], 'bad flag syntax: --=x'],
      [['---'], 'bad flag syntax: ---'],
    ]
    for (const [argv, message] of cases) {
      assert.throws(() => set.parse(argv), { code: 'invalid-argument', message }, argv.join(' '))
    }
  })

  it('warns of deprecated flags and shorthands, and follows renamed flags', () => {
    const lines: string[] = []
    const normalize = (name: string): string => (name === 'keepStorage' ? 'keep-storage' : name)
    const set = new FlagSet({ warn: line => lines.push(line), normalize })
    const keep = set.string('keep-storage', { usage, deprecated: 'use reserved-space instead' })
    const help = set.bool('help', { shorthand: 'h', usage, shorthandDeprecated: 'use --help' })
    set.parse(['--keepStorage', '1', '--keep-storage', '2', '-h'])
    assert.deepEqual(lines, [
      'Flag --keep-storage has been deprecated, use reserved-space instead',
      'Flag shorthand -h has been deprecated, use --help',
    ])
    assert.deepEqual([keep.value, keep.hidden, help.value], ['2', true, true])
  })
})

describe('flagUsages', () => {
  it('lays the table out as pflag does', () => {
    const set = new FlagSet()
    set.stringArray('tag', { shorthand: 't', usage: 'Name and optionally a tag (format: "name:tag")' })
    set.string('progress', { usage: 'Type of output', initial: 'auto' })
    set.bool('push', { usage: 'Push it' })
    set.bool('load', { usage: 'Load it', initial: true })
    set.stringSlice('add-host', { usage: 'Add a `host`' })
    set.stringSlice('cdi', { usage: 'Add', initial: ['a', 'b'] })
    set.string('sbom', { usage: 'Shorthand', noOptDefault: 'true' })
    set.string('secret-flag', { usage: 'Not shown', hidden: true })
    set.duration('timeout', { usage: 'Wait\nthis long', initial: 20_000_000_000n })
    assert.equal(
      flagUsages(set.list()),
      `      --add-host host          Add a host
      --cdi strings            Add (default [a,b])
      --load                   Load it (default true)
      --progress string        Type of output (default "auto")
      --push                   Push it
      --sbom string[="true"]   Shorthand
  -t, --tag stringArray        Name and optionally a tag (format: "name:tag")
      --timeout duration       Wait
                               this long (default 20s)
`,
    )
  })

  it('wraps descriptions at the width of the terminal', () => {
    const set = new FlagSet()
    set.stringArray('no-cache-filter', { usage: 'Do not cache specified stages' })
    set.bool('no-cache', { usage: 'Do not use cache when building the image' })
    set.stringArray('build-context', { usage: 'Additional build contexts (e.g., name=path)' })
    set.string('ssh', {
      usage:
        'SSH agent socket or keys to expose to the build (format: "default|<id>[=<socket>|<key>[,<key>]]")',
    })
    assert.equal(
      flagUsages(set.list(), 79),
      `      --build-context stringArray     Additional build contexts (e.g.,
                                      name=path)
      --no-cache                      Do not use cache when building the image
      --no-cache-filter stringArray   Do not cache specified stages
      --ssh string                    SSH agent socket or keys to expose
                                      to the build (format:
                                      "default|<id>[=<socket>|<key>[,<key>]]")
`,
    )
  })
})
