/** What made a record. Source: https://github.com/moby/buildkit/blob/v0.32.2/client/diskusage.go */
export type UsageRecordType =
  | 'regular'
  | 'internal'
  | 'frontend'
  | 'source.local'
  | 'source.git.checkout'
  | 'exec.cachemount'

/** One thing that takes disk space and may be removed on its own. Times in milliseconds since 1970. */
export interface UsageRecord {
  readonly id: string
  readonly type: UsageRecordType
  readonly description: string
  /** Somebody works with it right now. */
  readonly inUse: boolean
  /** It changes while it is used (cache mounts). */
  readonly mutable: boolean
  /** An image in the local store has it too, so that removing it frees nothing. */
  readonly shared: boolean
  /** Bytes. */
  readonly size: number
  readonly parents: readonly string[]
  readonly createdMs: number
  /** Absent where it was never used again. */
  readonly lastUsedMs?: number
  readonly usageCount: number
}

/** Where records come from. */
export interface UsageSource {
  records(signal?: AbortSignal): Promise<readonly UsageRecord[]>
  /** Removes one; false where somebody uses it by now, or it is gone. */
  remove(id: string): Promise<boolean>
}
