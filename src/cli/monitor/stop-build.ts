import { setTimeout as delay } from 'node:timers/promises'
import type { InvokeConfig } from '../../build/invoke-config.ts'
import type { StoppedBuild } from '../../build/stopped-build.ts'
import type { ProgressPrinter } from '../../progress/printer.ts'
import type { Host } from '../host.ts'
import { printError } from '../print-error.ts'
import { runMonitor } from './monitor.ts'

/** Milliseconds in which the last words of the steps arrive. */
const lastWords = 200

/** Stops a build where the user wants to look at it: prints what failed and runs the monitor, the display being paused. */
export function stopBuild(
  host: Host,
  config: InvokeConfig,
  printer: ProgressPrinter,
  signal: AbortSignal,
): (build: StoppedBuild) => Promise<void> {
  return async build => {
    if (signal.aborted || (build.error === undefined && !config.always)) return
    await delay(lastWords)
    printer.pause()
    if (build.error !== undefined) printError(host, build.error, { debug: false })
    await runMonitor(build, { host, config, signal })
    // A failed build has nothing more to show.
    if (build.error === undefined) await printer.resume()
  }
}
