import { enableCompileCache } from 'node:module'
import { usePlainHeaders } from '../session/transport/plain-headers.ts'
import { metadataCommand, pluginMetadata } from './plugin-metadata.ts'

if (process.argv[2] === metadataCommand) {
  process.stdout.write(pluginMetadata())
} else {
  const caches = process.env['XDG_CACHE_HOME'] ?? (process.env['HOME'] && `${process.env['HOME']}/.cache`)
  if (caches) enableCompileCache(`${caches}/slipway/compile`)
  // The launcher of a clone sets it, so that the first files come from the cache too; it is nothing to programs started here.
  delete process.env['NODE_COMPILE_CACHE']
  usePlainHeaders()
  const { runMain } = await import('./run-main.ts')
  await runMain()
}
