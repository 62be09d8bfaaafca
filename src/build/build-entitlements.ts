import { realpathSync } from 'node:fs'
import { basename, dirname, isAbsolute, relative, resolve, sep } from 'node:path'
import { SlipwayError } from '../errors/slipway-error.ts'
import { csvFields } from '../gostd/csv.ts'
import { quote } from '../gostd/quote.ts'
import type { ResolvedOutput } from './outputs.ts'

/** The privilege that this program itself asks for; builders do not know it. */
const localDelete = 'buildx.local.delete'

/** What `--allow` permits. */
export interface Grants {
  /** Privileges as the builder is told of them. */
  readonly allow: readonly string[]
  /** Outputs may remove what else is in their directory, wherever it is. */
  readonly localDelete: boolean
}

/**
 * Reads the values of `--allow` of `build`. Throws `invalid-argument` (`unknown entitlement x`).
 * Behaviour: https://github.com/docker/buildx/blob/v0.36.1/util/buildflags/entitlements.go
 */
export function parseGrants(values: readonly string[]): Grants {
  const given = values.filter(value => value !== '')
  const allow = given.filter(value => value.split('=')[0] !== localDelete)
  for (const value of given) {
    if (value.startsWith(`${localDelete}=`)) throw invalid(`${localDelete} does not accept a value`)
  }
  for (const value of allow) checkEntitlement(value)
  return { allow, localDelete: allow.length < given.length }
}

/** Source: https://github.com/moby/buildkit/blob/v0.32.2/util/entitlements/entitlements.go */
function checkEntitlement(text: string): void {
  if (text === 'network.host' || text === 'security.insecure' || text === 'device') return
  if (!text.startsWith('device=')) throw invalid(`unknown entitlement ${text}`)
  const rest = text.slice('device='.length)
  for (const field of rest === '' ? [] : csvFields(rest).slice(1)) {
    const at = field.indexOf('=')
    if (at < 0) throw invalid(`invalid device config ${quote(field)}`)
    if (field.slice(0, at) !== 'alias')
      throw invalid(`unknown device config key ${quote(field.slice(0, at))}`)
  }
}

/**
 * Refuses outputs that would empty a directory outside the working directory, or that one itself, unless that was allowed.
 * Throws `invalid-argument` in buildx's words.
 */
export function checkLocalDelete(outputs: readonly ResolvedOutput[], allowed: boolean, cwd: string): void {
  for (const { type, attrs, target } of outputs) {
    if (type !== 'local' || target?.kind !== 'directory') continue
    const mode = attrs['mode'] ?? ''
    if (mode !== '' && mode !== 'copy' && mode !== 'delete')
      throw invalid(`invalid local exporter mode ${quote(mode)}`)
    if (mode !== 'delete' || allowed || isBelow(target.path, cwd)) continue
    const shown = relative(cwd, target.path) || '.'
    const given = shown.startsWith('..') || isAbsolute(shown) ? target.path : shown
    throw new SlipwayError(
      'invalid-argument',
      `local output mode=delete for destination ${quote(given)} requires --allow=${localDelete}`,
      { hint: 'everything else in that directory would be removed' },
    )
  }
}

/** Whether a path, links resolved, lies in a directory and is not that directory. */
function isBelow(path: string, directory: string): boolean {
  const way = relative(realpathSync(directory), existingPath(resolve(path)))
  return way !== '' && way !== '..' && !isAbsolute(way) && !way.startsWith(`..${sep}`)
}

/** A path with the links of the part that exists resolved. */
function existingPath(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    const parent = dirname(path)
    return parent === path ? path : resolve(existingPath(parent), basename(path))
  }
}

const invalid = (message: string): SlipwayError => new SlipwayError('invalid-argument', message)
