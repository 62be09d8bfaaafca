import { spawn } from 'node:child_process'
import { SlipwayError } from '../../errors/slipway-error.ts'

const programs: Readonly<Record<string, readonly string[]>> = {
  darwin: ['open'],
  win32: ['cmd', '/c', 'start', ''],
  linux: ['xdg-open'],
}

/** Opens a page with the program that the desktop has for it. Throws `unavailable` with the page in its hint. */
export async function openUrl(url: string): Promise<void> {
  const [program = 'xdg-open', ...args] = programs[process.platform] ?? []
  const child = spawn(program, [...args, url], { stdio: 'ignore', detached: true })
  const started = Promise.withResolvers<void>()
  child.on('spawn', started.resolve)
  child.on('error', cause =>
    started.reject(
      new SlipwayError('unavailable', `failed to open ${url}`, { cause, hint: `open it by hand: ${url}` }),
    ),
  )
  await started.promise
  child.unref()
}
