import type { OverlayMount } from './overlay-options.ts'

/** One mount that is made before the runtime starts; `target` is a name in the private directory. */
export type SetupMount =
  | { readonly kind: 'overlay'; readonly target: string; readonly overlay: OverlayMount }
  | { readonly kind: 'bind'; readonly target: string; readonly source: string }

/** What the wrapper does, as one shell script. */
export interface SetupScript {
  /** An existing directory; a tmpfs is mounted over it that only the wrapper and its children see. */
  readonly directory: string
  readonly mounts: readonly SetupMount[]
  /** The runtime and its arguments; becomes the process itself. */
  readonly command: readonly string[]
  /** Stands between the runtime and our pipes. */
  readonly stdio: 'direct' | 'relayed'
}

/** Lines that the script writes to descriptor 3. */
export const readyLine = 'slipway: ready'
/** The last thing that comes from the script; what follows on standard error comes from the runtime. */
export const runningLine = 'slipway: running'

/**
 * The script of the wrapper process, for a POSIX shell that runs in mount and PID namespaces of its own. It mounts, says
 * `readyLine` on descriptor 3, reads one line there, evaluates it, says `runningLine`, and becomes the runtime. Before
 * that, what commands say on standard error goes to descriptor 3 as well. All that it mounts ends with the namespace.
 */
export function setupScript(script: SetupScript): string {
  return [...beginning(script.directory), ...setupLines(script)].join('\n')
}

/** The same script as far as it is alike for all containers; then it reads a line, `setupLine`, and evaluates that. */
export function waitingScript(directory: string): string {
  return [...beginning(directory), 'IFS= read -r setup <&3', 'eval "$setup"'].join('\n')
}

/** The rest of the script as one line; undefined where it cannot be one. */
export function setupLine(script: SetupScript): string | undefined {
  const lines = setupLines(script)
  return lines.some(line => line.includes('\n') || line.endsWith('&')) ? undefined : lines.join('; ')
}

function beginning(directory: string): string[] {
  return ['set -e', 'exec 4>&2 2>&3', `mount -n -t tmpfs -o mode=0700 slipway ${quoteWord(directory)}`]
}

function setupLines(script: SetupScript): string[] {
  const { directory, mounts } = script
  const at = (name: string): string => quoteWord(`${directory}/${name}`)
  return [
    ...(mounts.length === 0 ? [] : [`mkdir ${mounts.map(mount => at(mount.target)).join(' ')}`]),
    ...mounts.flatMap(mount => setupMount(mount, at(mount.target))),
    `echo '${readyLine}' >&3`,
    'IFS= read -r go <&3',
    'eval "$go"',
    `echo '${runningLine}' >&3`,
    ...(script.stdio === 'relayed' ? relayed(script, at) : direct(script)),
  ]
}

function setupMount(mount: SetupMount, target: string): string[] {
  if (mount.kind === 'bind') return [`mount -n --bind ${quoteWord(mount.source)} ${target}`]
  const { cwd, options, mark } = mount.overlay
  const stale = mark === undefined ? [] : [`test ! -e ${quoteWord(mark)} || rm -rf ${quoteWord(mark)}`]
  return [`cd ${quoteWord(cwd)}`, ...stale, `mount -n -t overlay -o ${quoteWord(options)} overlay ${target}`]
}

function direct(script: SetupScript): string[] {
  return ['exec 2>&4 3>&- 4>&-', `exec ${script.command.map(quoteWord).join(' ')}`]
}

/**
 * crun hands its own descriptors to the container. Ours are sockets, which cannot be opened again as /dev/stdout; so the
 * container gets fifos, which can.
 */
function relayed(script: SetupScript, at: (name: string) => string): string[] {
  return [
    'exec 2>&4 3>&- 4>&-',
    `mkfifo ${at('stdout')} ${at('stderr')}`,
    `cat <${at('stdout')} &`,
    `cat <${at('stderr')} >&2 &`,
    'set +e',
    `${script.command.map(quoteWord).join(' ')} >${at('stdout')} 2>${at('stderr')}`,
    'status=$?',
    'wait',
    'exit $status',
  ]
}

/**
 * A line for the script's `eval`: binds `source`, a canonical path in the tree mounted at `tree`, to `target`. Somebody
 * else may be changing the tree, so the directory is entered first and then checked to be the one that was meant.
 */
export function bindLine(tree: string, path: string, kind: 'directory' | 'file', target: string): string {
  const file = kind === 'file'
  const cut = path.lastIndexOf('/')
  const directory = `${tree}${file ? path.slice(0, cut) : path === '/' ? '' : path}`
  const source = file ? `./${path.slice(cut + 1)}` : '.'
  const word = quoteWord(directory)
  const place = quoteWord(target)
  return [
    file ? `: >${place}` : `mkdir ${place}`,
    `cd -P ${word}`,
    `test "$(pwd -P)" = ${word}`,
    ...(file ? [`test ! -L ${quoteWord(source)}`] : []),
    `mount -n -c --bind ${quoteWord(source)} ${place}`,
  ].join(' && ')
}

/** A word that a POSIX shell takes as it is. */
export function quoteWord(text: string): string {
  return /^[\w./:=,@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}
