import { closeSync, constants, openSync, readdirSync, statSync, utimesSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { compareNames } from '../../bytes/path-string.ts'
import { SlipwayError } from '../../errors/slipway-error.ts'
import { errnoOf } from '../../sys/errno-error.ts'
import { mount as mountFs, unmount } from '../../sys/mount.ts'
import type { EmulatedArchitecture } from './architectures.ts'
import { elfFile } from './elf-file.ts'

/**
 * The rule that registers an interpreter for an architecture, by the first 20 bytes of its programs. Flag F makes it
 * work in containers, C keeps setuid programs setuid, P hands over the original argv[0].
 */
export function registrationRule(
  architecture: EmulatedArchitecture,
  interpreter: string,
  options: { readonly name: string; readonly preserveArgv0: boolean },
): string {
  const magic = escapeBytes(elfFile(architecture).subarray(0, 20))
  const mask = escapeBytes(Buffer.from(architecture.mask, 'hex'))
  const flags = options.preserveArgv0 ? 'CFP' : 'CF'
  return `:${options.name}:M:0:${magic}:${mask}:${interpreter}:${flags}`
}

/** Letters of the file's signature stay letters, as in the rules that are passed around. */
function escapeBytes(bytes: Uint8Array): string {
  return [...bytes]
    .map(byte =>
      byte >= 0x41 && byte <= 0x5a ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, '0')}`,
    )
    .join('')
}

/** Registers a rule by a single write. Throws with the words of the installer image. */
export function register(mount: string, rule: string, interpreter: string, name: string): void {
  const file = join(mount, 'register')
  const fd = openRegister(file)
  try {
    writeSync(fd, rule)
  } catch (cause) {
    const errno = errnoOf(cause)
    if (errno === 'EEXIST') throw new SlipwayError('already-exists', `${name} already registered`, { cause })
    const reason = `write ${file}: ${goErrno(cause)}`
    const hint = registerHints[errno ?? '']
    throw new SlipwayError('unknown', `cannot register "${interpreter}" to ${file}: ${reason}`, {
      cause,
      ...(hint === undefined ? {} : { hint }),
    })
  } finally {
    closeSync(fd)
  }
}

const registerHints: Readonly<Record<string, string>> = {
  EINVAL: 'the kernel is older than 4.8 (flag F), or the interpreter cannot be opened',
  ENOENT: 'the interpreter does not exist',
}

function openRegister(file: string): number {
  try {
    return openSync(file, constants.O_WRONLY)
  } catch (cause) {
    switch (errnoOf(cause)) {
      case 'ENOENT':
        throw new SlipwayError('not-found', `ENOENT opening ${file} is it mounted?`, { cause })
      case 'EPERM':
        throw new SlipwayError('permission-denied', `EPERM opening ${file} check permissions?`, { cause })
      default: {
        const message = `Cannot open ${file}: open ${file}: ${goErrno(cause)}`
        throw new SlipwayError(errnoOf(cause) === 'EACCES' ? 'permission-denied' : 'unknown', message, {
          cause,
        })
      }
    }
  }
}

/** Takes a handler away, by its name or what follows the last dash in it. Throws `not-found` (`not found`). */
export function unregister(mount: string, name: string): void {
  const found = handlerNames(mount).find(handler => handler === name || handler.endsWith(`-${name}`))
  if (found === undefined) throw new SlipwayError('not-found', 'not found')
  const file = join(mount, found)
  let fd: number
  try {
    fd = openSync(file, constants.O_WRONLY)
  } catch (cause) {
    const code = errnoOf(cause) === 'EACCES' || errnoOf(cause) === 'EPERM' ? 'permission-denied' : 'unknown'
    throw new SlipwayError(code, `open ${file}: ${goErrno(cause)}`, { cause })
  }
  try {
    writeSync(fd, '-1')
  } finally {
    closeSync(fd)
  }
}

/** Names of the handlers that may be taken away; the one of WSL never. */
export function handlerNames(mount: string): readonly string[] {
  return readdirSync(mount)
    .filter(name => name !== 'register' && name !== 'status' && name !== 'WSLInterop')
    .sort(compareNames)
}

/** Some kernels show new handlers only after the directory was touched. */
export function touchMount(mount: string): void {
  try {
    utimesSync(mount, new Date(), new Date())
  } catch {
    // Only a work-around, needed nowhere else.
  }
}

/**
 * Mounts the handlers' file system where it is not; disposing unmounts what this mounted. Throws `permission-denied` or
 * `failed-precondition`.
 */
export function ensureMounted(mount: string): Disposable {
  if (statSync(join(mount, 'status'), { throwIfNoEntry: false }) !== undefined)
    return { [Symbol.dispose]: () => {} }
  try {
    mountFs('binfmt_misc', mount, 'binfmt_misc', 0)
  } catch (cause) {
    const message = `cannot mount binfmt_misc filesystem at ${mount}: ${goErrno(cause)}`
    const denied = errnoOf(cause) === 'EPERM' || errnoOf(cause) === 'EACCES'
    throw new SlipwayError(denied ? 'permission-denied' : 'failed-precondition', message, {
      cause,
      hint: denied
        ? 'run it as root (sudo slipway binfmt …)'
        : 'the kernel needs CONFIG_BINFMT_MISC (modprobe binfmt_misc)',
    })
  }
  return { [Symbol.dispose]: () => unmount(mount) }
}

/** An error number in Go's words: `permission denied`. */
function goErrno(error: unknown): string {
  const words =
    error instanceof Error ? /^[A-Z0-9]+: (.*?)(?:, \w+(?: '.*')?)?$/s.exec(error.message)?.[1] : undefined
  return words ?? String(error)
}
