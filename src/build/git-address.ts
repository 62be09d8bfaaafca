import { fragmentFormat, parseGitRef } from '../dockerfile/git/git-ref.ts'

/** The address of a source for people: a git repository with its ref behind `#`, whatever form it was given in. */
export const sourceAddress = (url: string): string => fragmentFormat(url, false)

/** Whether an address is that of a git repository. */
export function isGitAddress(url: string): boolean {
  try {
    return parseGitRef(url) !== undefined
  } catch {
    return false
  }
}
