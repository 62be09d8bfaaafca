import type { JobContext } from '../sys/job-protocol.ts'

export interface PackInput {
  readonly x: string
}
export interface PackOutput {
  readonly y: string
}

/** TODO */
export async function packLayer(
  _input: PackInput,
  _context: Pick<JobContext, 'signal' | 'check'>,
): Promise<PackOutput> {
  return { y: '' }
}
