/** A flag as a help page lists it, without its description. */
export interface HelpFlag {
  readonly name: string
  readonly shorthand?: string
  readonly type?: string
  /** What stands in parentheses after `default`. */
  readonly initial?: string
}

/** What programs and users rely on in a help page; the descriptions are each tool's own. */
export interface HelpPage {
  readonly exit: number
  readonly usage: string
  readonly aliases?: string
  /** Titles of the sections, in order. */
  readonly sections: readonly string[]
  readonly commands?: readonly string[]
  /** In the order in which they stand there. */
  readonly flags?: readonly HelpFlag[]
}

/** Reads a help page of either form: of a program of its own, or of a plugin of docker. */
export function readHelpPage(text: string, exit: number): HelpPage {
  const usage = /^Usage:\s+(.*)$/m.exec(text)?.[1] ?? ''
  const aliases = /^Aliases:\n {2}(.*)$/m.exec(text)?.[1]
  const sections = [...text.matchAll(/^([A-Z][\w ]*):$/gm)].map(found => found[1] ?? '')
  const commands = [...text.matchAll(/^(?:[\w ]*Commands):\n((?: {2}.*\n)+)/gm)].flatMap(found =>
    [...(found[1] ?? '').matchAll(/^ {2}(\S+) /gm)].map(line => line[1] ?? ''),
  )
  const flags = [
    ...text.matchAll(/^ {2}(?:(-\w), | {4})--(\S+)(?: (\S+))?(?: {2,}|$)(.*(?:\n {12,}.*)*)/gm),
  ].map(([, shorthand, name = '', type, rest = '']): HelpFlag => {
    const initial = /\(default ([^)]*)\)/.exec(rest.replaceAll(/\s+/g, ' '))?.[1]
    return {
      name,
      ...(shorthand === undefined ? {} : { shorthand }),
      ...(type === undefined ? {} : { type }),
      ...(initial === undefined ? {} : { initial }),
    }
  })
  return {
    exit,
    usage,
    ...(aliases === undefined ? {} : { aliases }),
    sections,
    ...(commands.length === 0 ? {} : { commands }),
    ...(flags.length === 0 ? {} : { flags }),
  }
}

/** How a page is asked for. */
export interface HelpCall {
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
}

const names = [
  ...[
    '',
    'build',
    'bake',
    'create',
    'dial-stdio',
    'du',
    'inspect',
    'ls',
    'prune',
    'rm',
    'stop',
    'use',
    'version',
  ],
  ...['install', 'uninstall', 'imagetools', 'imagetools create', 'imagetools inspect'],
  ...['history', 'history export', 'history import', 'history inspect', 'history inspect attachment'],
  ...['history logs', 'history ls', 'history open', 'history rm', 'history trace'],
]

/** Every page in the forms in which it can be asked for, by a title. */
export function helpCalls(): ReadonlyMap<string, HelpCall> {
  const forms: readonly [string, readonly string[], Readonly<Record<string, string>>][] = [
    ['', [], {}],
    ['experimental ', [], { BUILDX_EXPERIMENTAL: '1' }],
    ['docker buildx ', ['buildx'], { DOCKER_CLI_PLUGIN_ORIGINAL_CLI_COMMAND: '/usr/bin/docker' }],
  ]
  return new Map(
    forms.flatMap(([form, first, env]) =>
      names.map((name): [string, HelpCall] => [
        `${form}${name}`.trim(),
        { args: [...first, ...name.split(' ').filter(Boolean), '--help'], env },
      ]),
    ),
  )
}
