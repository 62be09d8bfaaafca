import { closeSync, fstatSync, readSync } from 'node:fs'
import { SlipwayError } from '../errors/slipway-error.ts'
import type { FileTree } from '../snapshot/tree.ts'

/** Who a process runs as. */
export interface Account {
  readonly uid: number
  readonly gid: number
  readonly groups: readonly number[]
  readonly home: string
}

interface PasswdEntry {
  readonly name: string
  readonly uid: number
  readonly gid: number
  readonly home: string
}

interface GroupEntry {
  readonly name: string
  readonly gid: number
  readonly members: readonly string[]
}

/** Larger account files than this are not read on (bytes). */
const limit = 16 * 1024 * 1024

const maxId = 2 ** 31 - 1

function readLines(tree: FileTree, path: string): readonly string[] {
  const real = tree.resolve(path)
  if (tree.lstat(real)?.kind !== 'file') return []
  const fd = tree.open(real)
  try {
    const bytes = Buffer.alloc(Math.min(fstatSync(fd).size, limit))
    let length = 0
    for (let n = 1; n > 0 && length < bytes.length; length += n)
      n = readSync(fd, bytes, length, bytes.length - length, null)
    return bytes.toString('utf8', 0, length).split('\n')
  } finally {
    closeSync(fd)
  }
}

const isId = (text: string): boolean => /^[+-]?\d+$/.test(text)

/** Entries of a root's /etc/passwd; lines that are none are passed over. */
export function readPasswd(tree: FileTree): readonly PasswdEntry[] {
  return readLines(tree, '/etc/passwd').flatMap(line => {
    const [name = '', , uid = '', gid = '', , home = ''] = line.trim().split(':')
    return name === '' || name.startsWith('#')
      ? []
      : [{ name, uid: Number(uid) || 0, gid: Number(gid) || 0, home }]
  })
}

/** Entries of a root's /etc/group. */
export function readGroups(tree: FileTree): readonly GroupEntry[] {
  return readLines(tree, '/etc/group').flatMap(line => {
    const [name = '', , gid = '', members = ''] = line.trim().split(':')
    return name === '' || name.startsWith('#')
      ? []
      : [{ name, gid: Number(gid) || 0, members: members.split(',').filter(member => member !== '') }]
  })
}

function checkId(id: number): number {
  if (id < 0 || id > maxId)
    throw new SlipwayError('invalid-argument', `uids and gids must be in range 0-${maxId}`)
  return id
}

/**
 * The account that `user[:group]` names in a root file system, names or numbers, as `USER` and `docker run` understand
 * them. Throws `not-found` (`unable to find user x: no matching entries in passwd file`).
 * Behaviour: https://github.com/moby/sys/blob/user/v0.4.0/user/user.go
 */
export function findAccount(tree: FileTree, text: string): Account {
  const [user = '', group = ''] = text.split(':', 2)
  const passwd = readPasswd(tree)
  const wanted = user === '' ? '0' : user
  const entry =
    passwd.find(one => one.name === wanted) ??
    (isId(wanted) ? passwd.find(one => one.uid === Number(wanted)) : undefined)
  if (entry === undefined && !isId(wanted)) {
    throw new SlipwayError('not-found', `unable to find user ${user}: no matching entries in passwd file`)
  }
  const uid = checkId(entry?.uid ?? Number(wanted))
  const groups = readGroups(tree)
  const home = entry?.home === undefined || entry.home === '' ? '/' : entry.home
  if (group !== '') return { uid, gid: findGroup(groups, group), groups: [], home }
  const memberOf = groups
    .filter(one => entry !== undefined && one.members.includes(entry.name))
    .map(one => one.gid)
  return { uid, gid: entry?.gid ?? 0, groups: memberOf, home }
}

function findGroup(groups: readonly GroupEntry[], text: string): number {
  const entry = groups.find(one => one.name === text)
  if (entry !== undefined) return checkId(entry.gid)
  if (isId(text)) return checkId(Number(text))
  throw new SlipwayError('not-found', `unable to find group ${text}: no matching entries in group file`)
}
