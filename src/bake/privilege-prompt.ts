import { SlipwayError, wrapError } from '../errors/slipway-error.ts'
import { parseBool } from '../gostd/parse-number.ts'
import { quote } from '../gostd/quote.ts'
import { relativePath } from './relative-path.ts'
import type { PrivilegeRequest } from './privilege-request.ts'

/** What the question depends on. */
export interface PromptSurroundings {
  /** Standard input is a terminal, so that an answer can be given. */
  readonly terminal: boolean
  /** The working directory with symbolic links resolved. */
  readonly workingDirectory: string
  /** The command line, its first word as the user knows the program. */
  readonly command: readonly string[]
  readonly isRemote: boolean
  /** Values of BUILDX_BAKE_ENTITLEMENTS_FS and BAKE_ALLOW_REMOTE_FS_ACCESS. */
  readonly checkPaths: string | undefined
  readonly allowRemotePaths: string | undefined
}

/** What is shown to somebody whose build needs privileges. */
export interface PrivilegePrompt {
  /** Text for standard error, empty when nothing is needed. */
  readonly text: string
  /** The question that ends it, for a terminal; `y` or `Y` grants. */
  readonly question: string | undefined
  /** The build may go on without an answer. */
  readonly granted: boolean
  /** The values of `--allow` that would have granted everything. */
  readonly allow: readonly string[]
}

/** The message and question for privileges that were not granted. Throws `invalid-argument` for a malformed variable. */
export function privilegePrompt(request: PrivilegeRequest, around: PromptSurroundings): PrivilegePrompt {
  const always = alwaysAsked(request)
  const paths = askedForPaths(request, around.workingDirectory)
  const all = [...always, ...paths]
  if (all.length === 0) return { text: '', question: undefined, granted: true, allow: [] }
  const flags = all.map(p => `--allow=${p.allow}`).join(' ')
  const advice = around.terminal ? 'In order to not see this message in the future pass' : 'Pass'
  let text = 'Your build is requesting privileges for following possibly insecure capabilities:\n\n'
  text += all.map(p => ` - ${p.message}\n`).join('')
  text += `\n${advice} ${quote(flags)} to grant requested privileges.\n`
  const at = around.command.indexOf('bake')
  if (at >= 0) {
    const full = [
      around.command.slice(0, at + 1).join(' '),
      flags,
      around.command.slice(at + 1).join(' '),
    ].join(' ')
    text += `\nYour full command with requested privileges:\n\n${full}\n\n`
  }
  const checked = pathsChecked(around)
  const granted = !checked && always.length === 0
  if (checked && around.checkPaths === undefined && paths.length > 0) {
    text += 'To disable filesystem entitlements checks, you can set BUILDX_BAKE_ENTITLEMENTS_FS=0 .\n\n'
  }
  const question =
    around.terminal && !granted ? 'Do you want to grant requested privileges and continue? [y/N] ' : undefined
  return { text, question, granted, allow: all.map(p => p.allow) }
}

/** What ends the call when privileges were refused. */
export function privilegesRefused(): SlipwayError {
  return new SlipwayError('permission-denied', 'additional privileges requested')
}

interface Privilege {
  readonly message: string
  readonly allow: string
}

function alwaysAsked(r: PrivilegeRequest): Privilege[] {
  const out: Privilege[] = []
  if (r.networkHost)
    out.push({ message: 'Running build containers that can access host network', allow: 'network.host' })
  if (r.securityInsecure)
    out.push({
      message: 'Running privileged containers that can make system changes',
      allow: 'security.insecure',
    })
  if (r.devices.all) out.push({ message: 'Access to CDI devices', allow: 'device' })
  else
    for (const name of r.devices.names)
      out.push({ message: `Access to device ${name}`, allow: `device=${name}` })
  if (r.localDelete)
    out.push({ message: 'Deleting stale files from local output destinations', allow: 'buildx.local.delete' })
  return out
}

function askedForPaths(r: PrivilegeRequest, workingDirectory: string): Privilege[] {
  const out: Privilege[] = r.ssh ? [{ message: 'Forwarding default SSH agent socket', allow: 'ssh' }] : []
  const add = (paths: readonly string[], what: string, key: string): void => {
    for (const path of paths) {
      const shown = shownPath(path, workingDirectory)
      out.push({ message: `${what} access to path ${shown}`, allow: `${key}=${shown}` })
    }
  }
  const both = r.read.filter(p => r.write.includes(p))
  add(both, 'Read and write', 'fs')
  add(
    r.read.filter(p => !both.includes(p)),
    'Read',
    'fs.read',
  )
  add(
    r.write.filter(p => !both.includes(p)),
    'Write',
    'fs.write',
  )
  return out
}

/** Relative to the working directory where that takes at most one step up. */
function shownPath(path: string, workingDirectory: string): string {
  const relative = relativePath(workingDirectory, path)
  return relative.startsWith('../..') ? path : relative
}

function pathsChecked({ isRemote, checkPaths, allowRemotePaths }: PromptSurroundings): boolean {
  const read = (name: string, value: string): boolean => {
    try {
      return parseBool(value)
    } catch (e) {
      throw wrapError(`failed to parse ${name} value ${quote(value)}`, e)
    }
  }
  const open =
    isRemote && allowRemotePaths !== undefined && read('BAKE_ALLOW_REMOTE_FS_ACCESS', allowRemotePaths)
  return checkPaths === undefined ? !open : read('BUILDX_BAKE_ENTITLEMENTS_FS', checkPaths)
}
