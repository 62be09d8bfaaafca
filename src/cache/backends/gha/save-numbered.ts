import { sleep } from '../../../async/abort.ts'
import { SlipwayError } from '../../../errors/slipway-error.ts'
import type { CloudAccess } from '../service/cloud-access.ts'
import type { Content } from '../service/parts.ts'
import type { ActionsCache } from './actions-cache.ts'

/** Pause before another try, when somebody else writes just now (ms). */
const pause = 2000
/** After so long the other one counts as gone, and its number is skipped (ms). */
const longest = 15_000
const maxSkips = 1000

/**
 * Stores content that changes under a key of a service whose entries never change: as `key#N`, N one more than that of
 * the newest. Throws `already-exists` where no number is free.
 */
export async function saveNumbered(
  cache: ActionsCache,
  key: string,
  content: Content,
  options: { readonly access: CloudAccess; readonly signal: AbortSignal },
): Promise<void> {
  const { access, signal } = options
  for (let waited = 0; ; waited += pause) {
    let number = await newest(cache, key, signal)
    const last = number + (waited > longest ? maxSkips : 1)
    while (++number <= last) if (await cache.save(`${key}#${number}`, content, signal)) return
    if (waited > longest) throw new SlipwayError('already-exists', `no free number for ${key}`)
    await (access.sleep ?? sleep)(pause, signal)
  }
}

async function newest(cache: ActionsCache, key: string, signal: AbortSignal): Promise<number> {
  const found = await cache.load(`${key}#`, signal)
  if (found === undefined) return 0
  const text = found.key.startsWith(`${key}#`) ? found.key.slice(key.length + 1) : found.key
  if (text === '') throw new SlipwayError('data-loss', `corrupt empty index for ${key}`)
  if (!/^\d{1,15}$/.test(text)) throw new SlipwayError('data-loss', `failed to parse ${key} index`)
  return Number(text)
}
