import type { JobContext } from '../sys/job-protocol.ts'
import { errnoOf } from '../sys/errno-error.ts'
import { type ListedName, listNames } from './list-names.ts'
import { statPath } from './read-entry.ts'

/** A directory to be measured. */
export interface MeasureInput {
  readonly path: string
}

/** What a directory holds; files with several names count once. */
export interface MeasureOutput {
  /** Bytes that everything takes on disk. */
  readonly diskBytes: number
  /** Sum of the lengths of all files. */
  readonly contentBytes: number
}

/** Measures a directory, itself and everything in it. What is removed meanwhile takes nothing. */
export function measureDirectory(input: MeasureInput, context: Pick<JobContext, 'check'>): MeasureOutput {
  const seen = new Set<bigint>()
  const waiting = [input.path]
  let blocks = statPath(input.path)?.blocks ?? 0n
  let content = 0n
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    context.check()
    for (const { name, isDirectory } of namesIn(path)) {
      const real = `${path}/${name}`
      if (isDirectory) waiting.push(real)
      const stat = statPath(real)
      if (stat === undefined || (stat.nlink > 1n && !isDirectory && seen.has(stat.ino))) continue
      if (stat.nlink > 1n) seen.add(stat.ino)
      blocks += stat.blocks
      if (stat.isFile()) content += stat.size
    }
  }
  return { diskBytes: Number(blocks * 512n), contentBytes: Number(content) }
}

function namesIn(path: string): readonly ListedName[] {
  try {
    return listNames(path)
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return []
    throw error
  }
}
