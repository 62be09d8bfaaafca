import type { Lease, Leases } from '../content/lease.ts'

/** Keeps what builds touch, from the first build that begins until the last one that overlaps it has ended. */
export interface BuildLease extends Lease {
  /** A build begins; disposing the answer ends it. */
  enter(): Disposable
  /** Called each time no build runs any more, after the lease was let go. */
  onIdle(work: () => Promise<void>): void
  /** Settles when work for the idle state is done. */
  settled(): Promise<void>
}

/** One lease for all builds of the process: a daemon without builds holds nothing. */
export function createBuildLease(leases: Leases): BuildLease {
  let active = 0
  let lease: Lease | undefined
  const work: (() => Promise<void>)[] = []
  let running: Promise<void> = Promise.resolve()
  const idle = async (): Promise<void> => {
    for (const one of work) {
      if (active > 0) return
      // Cleaning up must not fail a build that has ended well; what is left is tried again the next time.
      await one().catch(() => undefined)
    }
  }
  return {
    hold(kind, key) {
      lease ??= leases.open()
      lease.hold(kind, key)
    },
    enter() {
      active++
      let open = true
      return {
        [Symbol.dispose]() {
          if (!open) return
          open = false
          if (--active > 0) return
          lease?.[Symbol.dispose]()
          lease = undefined
          running = running.then(idle)
        },
      }
    },
    onIdle: one => void work.push(one),
    settled: () => running,
    [Symbol.dispose]() {
      lease?.[Symbol.dispose]()
      lease = undefined
    },
  }
}
