import type { JobTable } from '../sys/serve-jobs.ts'
import type { CaptureInput } from './job-capture.ts'
import type { CheckoutInput } from './job-checkout.ts'
import type { MeasureInput, MeasureOutput } from './job-measure.ts'
import type { PackInput, PackLayerOutput, PackOutput } from './job-pack.ts'
import type { RepackInput } from './job-repack.ts'
import type { UnpackInput, UnpackOutput } from './job-unpack.ts'

/** Bulk work of this folder, for workers. */
export type SnapshotJobs = {
  readonly unpack: { readonly input: UnpackInput; readonly output: UnpackOutput }
  readonly repack: { readonly input: RepackInput; readonly output: PackOutput }
  readonly checkout: { readonly input: CheckoutInput; readonly output: null }
  readonly capture: { readonly input: CaptureInput; readonly output: null }
  readonly measure: { readonly input: MeasureInput; readonly output: MeasureOutput }
  readonly pack: { readonly input: PackInput; readonly output: PackLayerOutput }
}

/** The work behind the names. Entries of workers pass it to `serveJobs`, alone or among others. */
export const snapshotJobs: JobTable<SnapshotJobs> = {
  unpack: async () => (await import('./job-unpack.ts')).unpackLayer,
  repack: async () => (await import('./job-repack.ts')).repackLayer,
  checkout: async () => (await import('./job-checkout.ts')).checkoutLayers,
  capture: async () => (await import('./job-capture.ts')).captureChanges,
  measure: async () => (await import('./job-measure.ts')).measureDirectory,
  pack: async () => (await import('./job-pack.ts')).packLayer,
}
