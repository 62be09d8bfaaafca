import { SlipwayError } from '../../errors/slipway-error.ts'
import type { IdRange } from '../../sys/user-namespace.ts'

/** A user as the files of subordinate ids may name it. */
export interface UserName {
  readonly id: number
  readonly name: string
}

/**
 * The ranges of ids that /etc/subuid or /etc/subgid gives to a user, as lines `user:first:count`, where the user is a
 * name or a number. Source: subuid(5).
 */
export function subordinateRanges(text: string, user: UserName): { first: number; count: number }[] {
  return text.split('\n').flatMap(line => {
    const [owner, first, count] = line.trim().split(':')
    const range = { first: Number(first), count: Number(count) }
    const valid = [range.first, range.count].every(n => Number.isSafeInteger(n) && n > 0)
    return valid && (owner === user.name || owner === String(user.id)) ? [range] : []
  })
}

/**
 * A map for a user namespace: 0 inside is the user, 1 and on are the subordinate ids. Throws `failed-precondition` where
 * the file gives the user none.
 */
export function idMap(file: string, text: string, own: number, user: UserName): IdRange[] {
  const map: IdRange[] = [{ inside: 0, outside: own, length: 1 }]
  let next = 1
  for (const { first, count } of subordinateRanges(text, user)) {
    map.push({ inside: next, outside: first, length: count })
    next += count
  }
  if (map.length > 1) return map
  throw new SlipwayError('failed-precondition', `no subordinate ids for user ${user.name} in ${file}`, {
    hint: `give the user some: sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 ${user.name}`,
  })
}
