import { statSync } from 'node:fs'
import { join } from 'node:path'
import type { Host } from './host.ts'

/**
 * The line that leads to a build in Docker Desktop, for those who use that; empty for others. `ref` is `builder/node/id`.
 * Behaviour: https://github.com/docker/buildx/blob/v0.36.1/util/desktop/desktop.go, row J19.
 */
export function buildDetails({ env, stderr }: Pick<Host, 'env' | 'stderr'>, ref: string): string {
  const used = join(env['HOME'] ?? '', '.docker', 'desktop-build', '.lastaccess')
  if (!env['HOME'] || statSync(used, { throwIfNoEntry: false }) === undefined) return ''
  const url = `docker-desktop://dashboard/build/${ref}`
  const link = stderr.isTTY ? `\u001b]8;;${url}\u001b\\${url}\u001b]8;;\u001b\\` : url
  return `\nView build details: ${link}\n`
}
