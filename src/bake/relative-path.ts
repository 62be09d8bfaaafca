/** The way from one absolute path to another, `.` when they are the same. */
export function relativePath(from: string, to: string): string {
  const left = from.split('/').filter(p => p !== '')
  const right = to.split('/').filter(p => p !== '')
  let same = 0
  while (same < left.length && same < right.length && left[same] === right[same]) same++
  return [...left.slice(same).map(() => '..'), ...right.slice(same)].join('/') || '.'
}
