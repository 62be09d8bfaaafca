import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { describe, it } from 'node:test'
import { SlipwayError } from '../errors/slipway-error.ts'
import { anyArgs, exactArgs, maxArgs, maxWords, minArgs, noArgs, rangeArgs } from './argument-rule.ts'
import { type Command, type CommandContext, type CommandRow, defineCommand } from './command.ts'
import { commandTable } from './command-table.ts'
import { type BuildFlags, declareBuildFlags } from './commands/build-flags.ts'
import type { Host } from './host.ts'
import { progressMode, progressTerminal } from './open-progress.ts'
import { denyMessageType } from './print-error.ts'
import { runCli } from './run-cli.ts'

interface Setting {
  readonly program?: string
  readonly env?: Readonly<Record<string, string>>
  readonly columns?: number
  readonly isTTY?: boolean
}

/** A host that keeps what is written. */
function fakeHost(
  args: readonly string[],
  setting: Setting = {},
): { readonly host: Host; readonly out: () => string; readonly err: () => string } {
  const output = (): { readonly text: string[]; readonly value: Host['stdout'] } => {
    const text: string[] = []
    const value = {
      isTTY: setting.isTTY ?? false,
      columns: setting.columns ?? 0,
      rows: 24,
      write: (chunk: string | Uint8Array): void => void text.push(Buffer.from(chunk as string).toString()),
      stream: new PassThrough(),
    }
    return { text, value }
  }
  const [stdout, stderr] = [output(), output()]
  const host: Host = {
    program: setting.program ?? 'slipway',
    self: [],
    args,
    env: setting.env ?? {},
    cwd: '/work',
    stdin: { isTTY: setting.isTTY ?? false, stream: new PassThrough() },
    stdout: stdout.value,
    stderr: stderr.value,
    now: () => 0,
    random: size => new Uint8Array(size),
    uid: 1000,
  }
  return { host, out: () => stdout.text.join(''), err: () => stderr.text.join('') }
}

const plugin = { DOCKER_CLI_PLUGIN_ORIGINAL_CLI_COMMAND: '/usr/bin/docker' }

/** A table with a command that keeps what it was called with. */
function testTable(
  run: (context: CommandContext<BuildFlags>) => Promise<number | undefined> = async () => undefined,
): {
  readonly table: CommandRow
  readonly calls: CommandContext<BuildFlags>[]
} {
  const calls: CommandContext<BuildFlags>[] = []
  const build = defineCommand({
    usage: '[OPTIONS] PATH | URL | -',
    args: exactArgs(1),
    flags: declareBuildFlags,
    run: async context => {
      calls.push(context)
      return await run(context)
    },
  })
  const plain: Command = defineCommand({
    usage: '[OPTIONS] NAME',
    args: minArgs(1),
    hidesBuilder: true,
    flags: set => {
      const raw = set.bool('raw', { usage: 'Print it as it is' })
      return () => raw.value
    },
    run: async () => 7,
  })
  const load = (command: Command) => async (): Promise<{ command: Command }> => ({ command })
  const table: CommandRow = {
    name: 'buildx',
    summary: 'Builds things',
    children: [
      {
        name: 'imagetools',
        summary: 'Work on images',
        children: [{ name: 'inspect', summary: 'Show an image', load: load(plain) }],
      },
      {
        name: 'build',
        summary: 'Start a build',
        aliases: ['b'],
        aliasText: 'docker build, docker buildx b',
        load: load(build),
      },
      { name: 'secret', summary: 'Hidden', hidden: true, load: load(plain) },
      { name: 'dap', summary: 'Debug', experimental: true, load: load(plain) },
    ],
  }
  return { table, calls }
}

const never = new AbortController().signal

async function run(
  args: readonly string[],
  setting: Setting = {},
  table: CommandRow = testTable().table,
): Promise<{ code: number; out: string; err: string }> {
  const { host, out, err } = fakeHost(args, setting)
  const code = await runCli(host, table, never)
  return { code, out: out(), err: err() }
}

const standaloneRoot = `Builds things

Usage:
  docker-buildx
  docker-buildx [command]

Available Commands:
  build       Start a build
  help        Help about any command
  imagetools  Work on images

Flags:
      --builder string   Use this builder instead of the selected one
  -D, --debug            Print debugging output
  -h, --help             Print this help

Use "docker-buildx [command] --help" for more information about a command.

Experimental commands and flags are hidden. Set BUILDX_EXPERIMENTAL=1 to show them.
`

const pluginRoot = `Usage:  docker buildx [OPTIONS] COMMAND

Builds things

Options:
      --builder string   Use this builder instead of the selected one
  -D, --debug            Print debugging output

Management Commands:
  imagetools  Work on images

Commands:
  build       Start a build

Run 'docker buildx COMMAND --help' for more information on a command.

Experimental commands and flags are hidden. Set BUILDX_EXPERIMENTAL=1 to show them.
`

describe('help', () => {
  const program = 'docker-buildx'

  it('of the root has the form of a program, or of a plugin of docker', async () => {
    assert.deepEqual(await run([], { program }), { code: 0, out: standaloneRoot, err: '' })
    assert.deepEqual(await run(['help'], { program }), { code: 0, out: standaloneRoot, err: '' })
    assert.deepEqual(await run(['buildx', '--help'], { env: plugin }), { code: 0, out: pluginRoot, err: '' })
    assert.deepEqual(await run(['buildx'], { env: plugin }), { code: 0, out: pluginRoot, err: '' })
  })

  it('of a command lists its flags apart from the global ones, or together in a plugin', async () => {
    const standalone = await run(['imagetools', 'inspect', '--help'], { env: { BUILDX_EXPERIMENTAL: '1' } })
    assert.equal(
      standalone.out,
      `Show an image

Usage:
  slipway imagetools inspect [OPTIONS] NAME

Flags:
  -h, --help   Print this help
      --raw    Print it as it is

Global Flags:
  -D, --debug   Print debugging output
`,
    )
    const asPlugin = await run(['buildx', 'imagetools', 'inspect', '--help'], { env: plugin })
    assert.equal(
      asPlugin.out,
      `Usage:  docker buildx imagetools inspect [OPTIONS] NAME

Show an image

Options:
  -D, --debug   Print debugging output
      --raw     Print it as it is
`,
    )
  })

  it('of a command tells its aliases and wraps at the width of the terminal', async () => {
    const wide = await run(['buildx', 'b', '--help'], { env: plugin, columns: 200, isTTY: true })
    assert.match(
      wide.out,
      /^Usage: {2}docker buildx build \[OPTIONS\] PATH \| URL \| -\n\nStart a build\n\nAliases:\n {2}docker build, docker buildx b\n/,
    )
    assert.match(
      wide.out,
      /^ {2}-t, --tag stringArray {15}Name of the image \(format: "\[registry\/\]repository\[:tag\]"\)$/m,
    )
    const narrow = await run(['buildx', 'b', '--help'], { env: plugin })
    assert.ok(narrow.out.split('\n').every(line => line.length < 80 || !line.includes(' ', 40)))
    const standalone = await run(['b', '--help'])
    assert.match(standalone.out, /\n\nAliases:\n {2}build, b\n\nFlags:\n/)
  })

  it('shows experimental commands when they are asked for', async () => {
    const { out } = await run([], { env: { BUILDX_EXPERIMENTAL: 'true' } })
    assert.match(out, /^ {2}dap {9}Debug \(EXPERIMENTAL\)$/m)
    assert.doesNotMatch(out, /BUILDX_EXPERIMENTAL/)
  })

  it('names a help topic that does not exist', async () => {
    const { code, err } = await run(['help', 'foo'])
    assert.equal(code, 0)
    assert.match(err, /^Unknown help topic \[`foo`\]\nBuilds things\n/)
  })
})

describe('runCli', () => {
  it('takes flags before and after the command, and values of either form', async () => {
    const { table, calls } = testTable()
    await run(
      ['--builder', 'one', '-D', 'b', '.', '--push=false', '-t', 'a', '-tb', '--builder=two'],
      {},
      table,
    )
    await run(['-D', '--config', '/c', 'buildx', 'build', '-', '--check'], { env: plugin }, table)
    const [first, second] = calls
    assert.deepEqual(first?.args, ['.'])
    assert.deepEqual(first?.globals.builder, 'two')
    assert.deepEqual([first?.globals.debug, first?.flags.push, first?.flags.tag], [true, false, ['a', 'b']])
    assert.equal(first?.path, 'slipway build')
    assert.deepEqual(
      [second?.globals.debug, second?.globals.docker.config, second?.flags.call],
      [true, '/c', 'check'],
    )
    assert.equal(second?.path, 'docker buildx build')
  })

  it('takes defaults from the environment', async () => {
    const { table, calls } = testTable()
    const env = { BUILDX_BUILDER: 'mine', DEBUG: '1', DOCKER_DEFAULT_PLATFORM: 'linux/s390x' }
    await run(['build', '.'], { env }, table)
    await run(['build', '.', '--platform', 'linux/amd64'], { env }, table)
    assert.deepEqual([calls[0]?.globals.builder, calls[0]?.globals.debug], ['mine', true])
    assert.deepEqual(
      calls.map(c => c.flags.platform),
      [['linux/s390x'], ['linux/amd64']],
    )
  })

  it('complains of unknown commands with the help in front', async () => {
    const root = await run(['foo'], { program: 'docker-buildx' })
    assert.deepEqual(root, { code: 1, out: standaloneRoot, err: 'ERROR: unknown command: "foo"\n' })
    const group = await run(['imagetools', 'foo'])
    assert.deepEqual([group.code, group.err], [1, 'ERROR: unknown command: "foo"\n'])
  })

  it('complains of wrong flags in the words of each mode', async () => {
    assert.deepEqual(await run(['build', '--user', 'x']), {
      code: 1,
      out: '',
      err: 'ERROR: unknown flag: --user\n',
    })
    assert.deepEqual(await run(['--foo', 'build']), { code: 1, out: '', err: 'ERROR: unknown flag: --foo\n' })
    const ulimit = await run(['build', '.', '--ulimit', 'foo'])
    assert.equal(
      ulimit.err,
      'ERROR: invalid argument "foo" for "--ulimit" flag: invalid ulimit argument: foo\n',
    )
    const asPlugin = await run(['buildx', 'build', '--foo'], { env: plugin })
    assert.deepEqual(asPlugin, {
      code: 125,
      out: '',
      err: `unknown flag: --foo\n\nUsage:  docker buildx build [OPTIONS] PATH | URL | -\n\nRun 'docker buildx build --help' for more information\n`,
    })
    const docker = await run(['--foo', 'buildx'], { env: plugin })
    assert.equal(
      docker.err,
      `unknown flag: --foo\n\nUsage:  docker [OPTIONS] buildx [ARG...]\n\nRun 'docker --help' for more information\n`,
    )
    const twice = await run(['-H', 'a', '-H', 'b', 'buildx'], { env: plugin })
    assert.match(twice.err, /^invalid argument "b" for "-H, --host" flag: specify only one -H\n/)
  })

  it('complains of the wrong number of arguments', async () => {
    const usage = (path: string): string =>
      `Usage:  ${path} build [OPTIONS] PATH | URL | -\n\nRun '${path} build --help' for more information\n`
    const standalone = await run(['build'], { program: 'docker-buildx' })
    assert.deepEqual(standalone, {
      code: 1,
      out: '',
      err: `ERROR: docker-buildx: 'docker-buildx build' requires 1 argument\n\n${usage('docker-buildx')}`,
    })
    const asPlugin = await run(['buildx', 'build', 'a', 'b'], { env: plugin })
    assert.equal(
      asPlugin.err,
      `ERROR: docker: 'docker buildx build' requires 1 argument\n\n${usage('docker buildx')}`,
    )
    const rules = [
      noArgs(1),
      exactArgs(2)(1),
      minArgs(1)(0),
      maxArgs(1)(2),
      rangeArgs(1, 2)(3),
      anyArgs(9),
      exactArgs(0)(0),
    ]
    assert.deepEqual(rules, [
      'accepts no arguments',
      'requires 2 arguments',
      'requires at least 1 argument',
      'requires at most 1 argument',
      'requires at least 1 and at most 2 arguments',
      undefined,
      undefined,
    ])
    assert.deepEqual(maxWords(1)(2), { sentence: 'accepts at most 1 arg(s), received 2' })
    assert.equal(maxWords(1)(1), undefined)
    assert.match(
      (await run(['imagetools', 'inspect'])).err,
      /\nSee 'slipway imagetools inspect --help' for more/,
    )
  })

  it('answers the status of the command', async () => {
    assert.equal((await run(['imagetools', 'inspect', 'x'])).code, 7)
    assert.equal((await run(['secret', 'x'])).code, 7)
  })

  it('answers docker who it is', async () => {
    const { code, out } = await run(['docker-cli-plugin-metadata'])
    assert.equal(code, 0)
    const metadata = JSON.parse(out) as Record<string, string>
    assert.deepEqual(
      [metadata['SchemaVersion'], metadata['Vendor'], metadata['ShortDescription']],
      ['0.1.0', 'Docker Inc.', 'Docker Buildx'],
    )
    assert.match(metadata['Version'] ?? '', /^v\d+\.\d+\.\d+/)
    assert.match(out, /^\{\n {5}"SchemaVersion"/)
  })

  it('prints the version in one line', async () => {
    const { code, out } = await run(['version'], {}, commandTable)
    assert.equal(code, 0)
    assert.match(out, /^github\.com\/docker\/buildx v0\.36\.1\+slipway\.\S+ \S+\n$/)
  })
})

describe('errors', () => {
  const failing = (error: unknown): CommandRow =>
    testTable(async () => {
      throw error
    }).table

  it('show why a policy refused, the place in the file, the message and the hint', async () => {
    const data = Buffer.from('FROM scratch\nRUM x\n')
    const position = { line: 2, character: 0 }
    const error = new SlipwayError('invalid-argument', 'failed to build: dockerfile parse error', {
      hint: 'did you mean RUN?',
      sources: [{ filename: 'Dockerfile', data, ranges: [{ start: position, end: position }] }],
      details: [{ type: denyMessageType, message: 'not today' }],
    })
    const { code, err } = await run(['build', '.'], {}, failing(error))
    assert.equal(code, 1)
    assert.equal(
      err,
      `Policy: not today
Dockerfile:2
--------------------
   1 |     FROM scratch
   2 | >>> RUM x
   3 |     
--------------------
ERROR: failed to build: dockerfile parse error
hint: did you mean RUN?
`,
    )
  })

  it('have hints that name commands as they are called', async () => {
    const error = new SlipwayError('not-found', 'no', { hint: 'see `slipway ls` of slipway' })
    const hintOf = async (setting: Setting, ...args: string[]): Promise<string> =>
      (await run([...args, 'build', '.'], setting, failing(error))).err.split('\n')[1] ?? ''
    assert.equal(await hintOf({ program: 'slipway' }), 'hint: see `slipway ls` of slipway')
    assert.equal(await hintOf({ program: 'docker-buildx' }), 'hint: see `docker-buildx ls` of slipway')
    const plugin = { env: { DOCKER_CLI_PLUGIN_ORIGINAL_CLI_COMMAND: '/usr/bin/docker' } }
    assert.equal(await hintOf(plugin, 'buildx'), 'hint: see `docker buildx ls` of slipway')
  })

  it('decide the status: that of a process, 130 for a cancelled command, 100 for a defect of ours', async () => {
    const codes = [
      new SlipwayError('unknown', 'x', { exitCode: 42 }),
      new SlipwayError('canceled', 'context canceled'),
      new SlipwayError('internal', 'x'),
      new SlipwayError('resource-exhausted', 'x'),
      new Error('x'),
      'x',
    ]
    const seen: number[] = []
    for (const error of codes) seen.push((await run(['build', '.'], {}, failing(error))).code)
    assert.deepEqual(seen, [42, 130, 100, 102, 1, 1])
  })

  it('show a stack only with --debug', async () => {
    const error = new SlipwayError('unknown', 'outer', { cause: new Error('inner') })
    const plain = await run(['build', '.'], {}, failing(error))
    assert.equal(plain.err, 'ERROR: outer\n')
    const debug = await run(['-D', 'build', '.'], {}, failing(error))
    assert.match(debug.err, /^ERROR: outer\n[^]*outer[^]*\ncaused by Error: inner\n {4}at /)
  })
})

describe('build flags', () => {
  const parse = async (...args: readonly string[]): Promise<BuildFlags> => {
    const { table, calls } = testTable()
    const { err } = await run(['build', '.', ...args], {}, table)
    assert.equal(err, '')
    return (calls[0] as CommandContext<BuildFlags>).flags
  }

  it('keep lists as they are given and split only hosts', async () => {
    const flags = await parse(
      '--add-host',
      'a:1,b:2',
      '--platform',
      'linux/amd64,linux/arm64',
      '--secret',
      'id=a,src=b',
    )
    assert.deepEqual(flags.addHost, ['a:1', 'b:2'])
    assert.deepEqual(flags.platform, ['linux/amd64,linux/arm64'])
    assert.deepEqual(flags.secret, ['id=a,src=b'])
    assert.deepEqual(
      [flags.call, flags.network, flags.progress, flags.file],
      ['build', 'default', 'auto', ''],
    )
  })

  it('read sizes and limits', async () => {
    const flags = await parse(
      '--shm-size',
      '64m',
      '--ulimit',
      'nofile=1:2',
      '--ulimit',
      'core=-1',
      '--ulimit',
      'nofile=3',
    )
    assert.equal(flags.shmSize, 64 * 1024 * 1024)
    assert.deepEqual(flags.ulimit, [
      { name: 'core', soft: -1n, hard: -1n },
      { name: 'nofile', soft: 3n, hard: 3n },
    ])
    const bad: readonly (readonly [string, string])[] = [
      ['foo=1', 'invalid ulimit type: foo'],
      ['nofile=a', 'strconv.ParseInt: parsing "a": invalid syntax'],
      ['nofile=3:2', 'ulimit soft limit must be less than or equal to hard limit: 3 > 2'],
      [
        'nofile=-1:2',
        'ulimit soft limit must be less than or equal to hard limit: soft: -1 (unlimited), hard: 2',
      ],
      ['nofile=1:2:3', 'too many limit value arguments - 1:2:3, can only have up to two, `soft[:hard]`'],
    ]
    for (const [text, problem] of bad) {
      const { err } = await run(['build', '.', '--ulimit', text])
      assert.equal(err, `ERROR: invalid argument "${text}" for "--ulimit" flag: ${problem}\n`)
    }
  })

  it('understand the flags of older engines', async () => {
    const flags = await parse(
      '-m',
      '2g',
      '--cpuset-cpus',
      '0-3',
      '--resource',
      'cpu-quota=1',
      '--rm',
      '--squash',
      '--isolation',
      'x',
    )
    assert.deepEqual(flags.resource, ['cpu-quota=1', 'memory=2g', 'cpuset-cpus=0-3'])
    assert.equal(flags.warnings.length, 2)
    assert.equal((await parse('--print', 'outline')).call, 'outline')
    assert.equal((await parse('--call', 'targets', '--check')).call, 'check')
    assert.equal((await parse('--check=false')).call, 'build')
  })
})

describe('progress', () => {
  it('is chosen by flags and environment', () => {
    assert.equal(progressMode({ progress: 'auto' }, { BUILDKIT_PROGRESS: 'rawjson' }), 'rawjson')
    assert.equal(progressMode({ progress: 'auto', quiet: true }, { BUILDKIT_PROGRESS: 'plain' }), 'quiet')
    assert.throws(() => progressMode({ progress: 'plain', quiet: true }, {}), {
      message: 'progress=plain and quiet cannot be used together',
    })
    assert.equal(progressMode({ progress: 'none', quiet: true }, {}), 'quiet')
  })

  it('is drawn only on terminals that can be drawn on', () => {
    const terminal = (isTTY: boolean, env: Record<string, string>): boolean =>
      progressTerminal(fakeHost([], { isTTY, env }).host).isTerminal
    assert.deepEqual(
      [terminal(true, {}), terminal(false, {}), terminal(true, { TERM: 'dumb' })],
      [true, false, false],
    )
  })
})
