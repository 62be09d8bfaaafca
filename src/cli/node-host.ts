import { randomBytes } from 'node:crypto'
import { userInfo } from 'node:os'
import { basename } from 'node:path'
import type { WriteStream } from 'node:tty'
import { SlipwayError } from '../errors/slipway-error.ts'
import { goErrnoText } from '../sys/errno-error.ts'
import type { Host, HostOutput } from './host.ts'

/**
 * The host of this process. The launcher tells in SLIPWAY_ARGV0 under which name it was started; the variable is taken
 * out of the environment, so that child processes do not see it.
 */
export function nodeHost(): Host {
  const argv0 = process.env['SLIPWAY_ARGV0'] ?? process.argv[1] ?? 'slipway'
  delete process.env['SLIPWAY_ARGV0']
  return {
    program: basename(argv0).replace(/\.[cm]?[jt]s$/, ''),
    self: [process.execPath, ...process.execArgv, ...process.argv.slice(1)],
    args: process.argv.slice(2),
    env: environment(),
    get cwd() {
      return workingDirectory()
    },
    stdin: {
      get stream() {
        return process.stdin
      },
      get isTTY() {
        return process.stdin.isTTY === true
      },
      setRaw: raw => void process.stdin.setRawMode?.(raw),
    },
    stdout: output(() => process.stdout, 'stdout'),
    stderr: output(() => process.stderr, 'stderr'),
    now: () => performance.timeOrigin + performance.now(),
    random: size => randomBytes(size),
    uid: process.geteuid?.() ?? 0,
  }
}

/** The working directory; throws `not-found` in Go's words where somebody has removed it. */
function workingDirectory(): string {
  try {
    return process.cwd()
  } catch (cause) {
    throw new SlipwayError('not-found', 'getwd: no such file or directory', {
      cause,
      hint: 'the working directory no longer exists: change to another one',
    })
  }
}

/** The environment; where HOME says nothing it is the home of the user's account, as for docker. */
function environment(): NodeJS.ProcessEnv {
  if (process.env['HOME']) return process.env
  try {
    return { ...process.env, HOME: userInfo().homedir }
  } catch {
    return process.env // a user without an account
  }
}

/** Ends the process, whose output cannot be written: as SIGPIPE would where the reader has gone, else saying why. */
function endUnwritten(error: Error, name: 'stdout' | 'stderr'): never {
  if ('code' in error && error.code === 'EPIPE') process.exit(141)
  if (name === 'stdout')
    process.stderr.write(`ERROR: ${goErrnoText(error, 'write', '/dev/stdout') ?? error.message}\n`)
  process.exit(1)
}

/** Opens the stream on first use only: that costs more than everything else a short command does. */
function output(open: () => WriteStream, name: 'stdout' | 'stderr'): HostOutput {
  let opened: WriteStream | undefined
  const stream = (): WriteStream => {
    if (opened !== undefined) return opened
    opened = open()
    opened.on('error', error => endUnwritten(error, name))
    return opened
  }
  return {
    get isTTY() {
      return stream().isTTY === true
    },
    get columns() {
      return stream().columns ?? 0
    },
    get rows() {
      return stream().rows ?? 0
    },
    write: chunk => void stream().write(chunk),
    get stream() {
      return stream()
    },
    drain: async () => {
      const { promise, resolve } = Promise.withResolvers<void>()
      if (opened === undefined) return
      opened.write('', () => resolve())
      await promise
    },
  }
}
