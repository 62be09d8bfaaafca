import { SlipwayError } from '../errors/slipway-error.ts'
import type { ChownOpt, UserOpt } from '../proto/gen/ops_pb.ts'
import type { FileTree } from '../snapshot/tree.ts'
import { readGroups, readPasswd } from './account.ts'

/** Numbers that an owner stands for. */
export interface Owner {
  readonly uid: number
  readonly gid: number
}

/**
 * Resolves an owner option: numbers as they are, names in the account files of the tree that `treeOf(input)` gives (an
 * unknown user is 0 and an unknown group that of the user, as in BuildKit). A named user without a group brings its own group, a number stands for both. Undefined for no option.
 */
export async function resolveOwner(
  option: ChownOpt | undefined,
  treeOf: (input: number) => Promise<FileTree | undefined>,
): Promise<Owner | undefined> {
  if (option === undefined) return undefined
  let uid = 0
  let gid = 0
  const user = option.user?.user
  if (user?.case === 'byID') uid = gid = user.value
  if (user?.case === 'byName') {
    const tree = await named(option.user, treeOf)
    const { name } = user.value
    const entry = tree === undefined ? undefined : readPasswd(tree).find(one => one.name === name)
    uid = entry?.uid ?? 0
    gid = entry?.gid ?? 0
  }
  const group = option.group?.user
  if (group?.case === 'byID') gid = group.value
  if (group?.case === 'byName') {
    const tree = await named(option.group, treeOf)
    const { name } = group.value
    gid = (tree === undefined ? undefined : readGroups(tree).find(one => one.name === name))?.gid ?? gid
  }
  return { uid, gid }
}

async function named(
  option: UserOpt | undefined,
  treeOf: (input: number) => Promise<FileTree | undefined>,
): Promise<FileTree | undefined> {
  if (option?.user.case !== 'byName') return undefined
  const input = Number(option.user.value.input)
  if (input < 0) throw new SlipwayError('invalid-argument', `invalid user index: ${input}`)
  return treeOf(input)
}
