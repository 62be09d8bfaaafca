import { formatFixed } from '../gostd/fixed.ts'

const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB', 'EB'] as const

/** A number of bytes as progress rows show it: whole below a kilobyte (`142B`), else two digits (`27.56MB`). */
export function progressBytes(bytes: number): string {
  let step = 0
  let scale = 1
  while (Math.abs(bytes) >= scale * 1000 && step < units.length - 1) {
    scale *= 1000
    step++
  }
  return step === 0 ? `${Math.trunc(bytes)}B` : `${formatFixed(bytes / scale, 2)}${units[step]}`
}

/** ` 100B / 200B`, ` 100B` when the total is not known, or nothing when neither is. */
export function progressAmount(current: number, total: number | undefined): string {
  if (total !== undefined && total !== 0) return `${progressBytes(current)} / ${progressBytes(total)}`
  return current === 0 ? '' : progressBytes(current)
}
