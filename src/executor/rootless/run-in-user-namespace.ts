import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { constants } from 'node:os'
import type { Duplex } from 'node:stream'
import { SlipwayError } from '../../errors/slipway-error.ts'
import { run } from '../../sys/spawn.ts'
import type { IdRange } from '../../sys/user-namespace.ts'
import { findProgram } from '../runtime.ts'
import { idMap, type UserName } from './subordinate-ids.ts'

/** Set in the environment of a program that `runInUserNamespace` runs. */
export const userNamespaceMarker = 'SLIPWAY_USER_NAMESPACE'

/** Whose namespace, and how the program is to see the world. */
export interface UserNamespaceOptions {
  readonly user: UserName
  readonly gid: number
  readonly env: Readonly<Record<string, string>>
  readonly searchPath: string
  /**
   * We run in the foreground of a terminal, which sends its signals (Ctrl-C) to the program as well: they are not passed
   * on a second time.
   */
  readonly terminal: boolean
}

/** Tells whether an ordinary user's process has to run again in a user namespace before it can run containers. */
export function needsUserNamespace(uid: number, env: Readonly<Record<string, string | undefined>>): boolean {
  return uid !== 0 && env[userNamespaceMarker] === undefined
}

/**
 * Runs a program (usually this one again) as root of a new user namespace with the user's subordinate ids, in a mount
 * namespace of its own, with our standard streams. Passes signals on, ends with us even on `kill -9`, and resolves to
 * its exit code (128 + number after a signal). Throws `failed-precondition` with a hint where the machine or the user is
 * not set up for it. Source: user_namespaces(7), newuidmap(1).
 */
export async function runInUserNamespace(
  program: readonly string[],
  options: UserNamespaceOptions,
): Promise<number> {
  const { user, searchPath } = options
  const tools = await findTools(searchPath)
  const uids = idMap('/etc/subuid', await readFile('/etc/subuid', 'utf8').catch(() => ''), user.id, user)
  const gids = idMap('/etc/subgid', await readFile('/etc/subgid', 'utf8').catch(() => ''), options.gid, user)
  const child = spawn('sh', ['-c', outerScript, 'sh', ...program], {
    stdio: ['inherit', 'inherit', 'inherit', 'pipe'],
    env: { ...options.env, [userNamespaceMarker]: '1' },
  })
  const exit = exitOf(child)
  exit.catch(() => {})
  const channel = child.stdio[3] as Duplex
  channel.on('error', () => {})
  try {
    await heardReady(channel, exit)
    await writeMap(tools.newuidmap, child, uids, options)
    await writeMap(tools.newgidmap, child, gids, options)
  } catch (error) {
    child.kill('SIGKILL')
    throw error
  }
  channel.end('go\n')
  const stopForwarding = forwardSignals(child, options.terminal)
  try {
    return await exit
  } finally {
    stopForwarding()
  }
}

/** What is said before the program starts goes to descriptor 3, so that a failure becomes an error with a hint. */
const outerScript = `
exec 4>&2 2>&3
exec unshare --user --mount --propagation slave -- sh -c '
echo ready >&3
read -r go <&3
exec 2>&4 3>&- 4>&-
exec setpriv --pdeathsig KILL -- "$@"' sh "$@"`

async function findTools(searchPath: string): Promise<{ newuidmap: string; newgidmap: string }> {
  const find = async (name: string): Promise<string> => {
    const path = await findProgram(name, searchPath)
    if (path !== undefined) return path
    throw new SlipwayError('failed-precondition', `${name} is not installed`, {
      hint: 'building as an ordinary user needs it: sudo apt-get install uidmap',
    })
  }
  return { newuidmap: await find('newuidmap'), newgidmap: await find('newgidmap') }
}

/** Waits until the child is in its namespace. */
async function heardReady(channel: Duplex, exit: Promise<number>): Promise<void> {
  let said = ''
  const ready = new Promise<void>(resolve => {
    channel.on('data', (chunk: Buffer) => {
      said += chunk.toString('utf8')
      if (said.includes('ready\n')) resolve()
    })
  })
  const failed = exit.then(() => {
    throw new SlipwayError('failed-precondition', `cannot create a user namespace: ${said.trim()}`, {
      hint: namespaceHint(),
    })
  })
  await Promise.race([ready, failed])
}

/** Switches that keep ordinary users from creating user namespaces, and how to turn them. */
const switches: readonly (readonly [file: string, value: string, setting: string])[] = [
  ['kernel/apparmor_restrict_unprivileged_userns', '1', 'kernel.apparmor_restrict_unprivileged_userns=0'],
  ['kernel/unprivileged_userns_clone', '0', 'kernel.unprivileged_userns_clone=1'],
  ['user/max_user_namespaces', '0', 'user.max_user_namespaces=28633'],
]

function namespaceHint(): string {
  for (const [file, value, setting] of switches) {
    if (readText(`/proc/sys/${file}`).trim() === value)
      return `allow user namespaces: sudo sysctl -w ${setting}`
  }
  return 'run as root, or allow user namespaces on this machine'
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

async function writeMap(
  tool: string,
  child: ChildProcess,
  map: readonly IdRange[],
  options: UserNamespaceOptions,
): Promise<void> {
  const ranges = map.flatMap(({ inside, outside, length }) => [inside, outside, length]).map(String)
  const result = await run(tool, [String(child.pid), ...ranges], {
    env: { PATH: options.searchPath },
    success: Array.from({ length: 256 }, (_, code) => code),
  })
  if (result.code === 0) return
  const words = result.stderr.toString('utf8').trim()
  throw new SlipwayError('failed-precondition', `cannot map user ids: ${words}`, {
    hint: 'newuidmap and newgidmap must be setuid root (or have the capabilities), and /etc/subuid and /etc/subgid must list the user: sudo apt-get install --reinstall uidmap',
  })
}

const forwarded = ['SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGCONT'] as const
const fromTerminal = ['SIGINT', 'SIGQUIT'] as const

function forwardSignals(child: ChildProcess, terminal: boolean): () => void {
  const pass = (signal: NodeJS.Signals): void => {
    child.kill(signal)
  }
  const ignore = (): void => {}
  for (const signal of forwarded) process.on(signal, pass)
  for (const signal of fromTerminal) process.on(signal, terminal ? ignore : pass)
  return () => {
    for (const signal of [...forwarded, ...fromTerminal]) process.off(signal, pass).off(signal, ignore)
  }
}

async function exitOf(child: ChildProcess): Promise<number> {
  const exit = Promise.withResolvers<number>()
  child.once('error', exit.reject)
  child.once('exit', (code, signal) => exit.resolve(code ?? 128 + constants.signals[signal ?? 'SIGKILL']))
  return await exit.promise
}
