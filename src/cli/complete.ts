import type { BuilderHost } from '../builder/builder-host.ts'
import { FlagSet } from '../gostd/pflag/flag-set.ts'
import type { CommandRow } from './command.ts'
import { findCommand } from './find-command.ts'
import { type DockerOptions, isExperimental, persistentFlags } from './global-flags.ts'
import type { Host } from './host.ts'

/** What the shell is to do besides: numbers of https://github.com/spf13/cobra/blob/v1.10.1/completions.go */
const directives = {
  Default: 0,
  NoSpace: 2,
  NoFileComp: 4,
  FilterDirs: 16,
} as const

interface Completion {
  readonly choices: readonly (readonly [name: string, description: string])[]
  readonly directive: keyof typeof directives
}

/** Commands whose arguments are builders. */
const ofBuilders = new Set(['inspect', 'rm', 'stop', 'use'])

/**
 * Answers what may stand in place of the last of `words`: commands, flags, names of builders. Shells of cobra's scripts, and
 * docker's own, read the answer from standard output.
 */
export async function complete(
  host: Host,
  table: CommandRow,
  words: readonly string[],
  options: { readonly docker: DockerOptions; readonly describe: boolean },
): Promise<number> {
  const { choices, directive } = await completionOf(host, table, words, options.docker)
  for (const [name, description] of choices)
    host.stdout.write(options.describe && description !== '' ? `${name}\t${description}\n` : `${name}\n`)
  host.stdout.write(`:${directives[directive]}\n`)
  host.stderr.write(`Completion ended with directive: ShellCompDirective${directive}\n`)
  return 0
}

async function completionOf(
  host: Host,
  table: CommandRow,
  words: readonly string[],
  docker: DockerOptions,
): Promise<Completion> {
  const start = words.at(-1) ?? ''
  const before = words.slice(0, -1)
  const global = new FlagSet()
  persistentFlags(global, host.env)
  const { rows } = findCommand(table, before, global)
  const row = rows.at(-1) ?? table
  const beginning = (name: string): boolean => name.startsWith(start)
  const builders = async (): Promise<Completion> => ({
    choices: (await builderNames(host, docker)).filter(beginning).map(name => [name, '']),
    directive: 'NoFileComp',
  })
  const set = new FlagSet()
  ;(await row.load?.())?.command.prepare(set, host.env)
  for (const flag of global.list()) if (set.lookup(flag.name) === undefined) set.share(flag)
  const last = before.at(-1) ?? ''
  if (last === '--builder') return await builders()
  if (last.startsWith('--') && set.lookup(last.slice(2))?.noOptDefault === '')
    return { choices: [], directive: 'Default' }
  if (start.startsWith('-')) {
    const flags = set.list().filter(flag => !flag.hidden && beginning(`--${flag.name}`))
    return { choices: flags.map(flag => [`--${flag.name}`, flag.usage]), directive: 'NoFileComp' }
  }
  const path = rows
    .slice(1)
    .map(one => one.name)
    .join(' ')
  if (ofBuilders.has(path)) return await builders()
  if (path === 'build') return { choices: [], directive: 'FilterDirs' }
  if (path.startsWith('imagetools ')) return { choices: [], directive: 'NoSpace' }
  const children = (row.children ?? []).filter(
    child => child.hidden !== true && (child.experimental !== true || isExperimental(host.env)),
  )
  return {
    choices: children
      .filter(child => beginning(child.name))
      .toSorted((a, b) => (a.name < b.name ? -1 : 1))
      .map(child => [child.name, child.summary]),
    directive: 'NoFileComp',
  }
}

/** Nobody waits long for a shell: what cannot be asked in time is no choice. */
async function builderNames(host: Host, docker: DockerOptions): Promise<readonly string[]> {
  const { openBuilderHost } = await import('./builder-host.ts')
  const { listBuilders } = await import('../builder/resolve-builder.ts')
  try {
    await using opened = openBuilderHost(host, { docker })
    const silent: BuilderHost = { ...opened, warn: () => {} }
    const { builders } = await listBuilders(silent, AbortSignal.timeout(2000))
    return builders.map(({ name }) => name).sort()
  } catch {
    return []
  }
}
