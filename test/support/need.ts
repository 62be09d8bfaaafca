import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type NpmPeerName, npmPeerScript } from '../../scripts/setup/npm-peers.ts'
import { type PeerName, peerPath } from '../../scripts/setup/peers.ts'
import { findProgram } from '../../scripts/setup/programs.ts'
import { registryProgram } from './registry.ts'

/** What a test needs of the machine. */
export interface Needs {
  readonly root?: boolean
  /** Programs in PATH (or /usr/sbin). */
  readonly programs?: readonly string[]
  /** Programs that set-up unpacks. */
  readonly peers?: readonly PeerName[]
  /** Servers that set-up installs from npm. */
  readonly npmPeers?: readonly NpmPeerName[]
  /** The registry program, installed or unpacked. */
  readonly registry?: boolean
  /** More time than there is in CI. */
  readonly time?: boolean
  /** Architectures, as QEMU names them, whose programs the kernel must run by emulation (or natively). */
  readonly emulators?: readonly string[]
}

const native: Readonly<Record<string, readonly string[]>> = { x64: ['x86_64', 'i386'], arm64: ['aarch64'] }

/** The reason to skip a test here, or false: `it('…', { skip: lacks({ root: true }) }, …)`. */
export function lacks(needs: Needs): string | false {
  if (needs.root === true && process.getuid?.() !== 0) return 'needs root'
  if (needs.time === true && process.env['CI'] !== undefined) return 'takes its time: not in CI'
  const program = needs.programs?.find(name => findProgram(name) === undefined)
  if (program !== undefined) return `needs ${program}, which is not installed`
  const peer = needs.peers?.find(name => peerPath(name) === undefined)
  if (peer !== undefined) return `needs ${peer}, which could not be unpacked`
  const server = needs.npmPeers?.find(name => npmPeerScript(name) === undefined)
  if (server !== undefined) return `needs ${server}, which could not be installed from npm`
  if (needs.registry === true && registryProgram() === undefined) return 'needs docker-registry'
  const own = native[process.arch] ?? []
  const emulator = needs.emulators?.find(name => !own.includes(name) && !hasHandler(name))
  return emulator === undefined ? false : `needs a binfmt_misc handler for ${emulator}`
}

function hasHandler(name: string): boolean {
  return existsSync(join('/proc/sys/fs/binfmt_misc', `qemu-${name}`))
}
