import { wrapError } from '../../errors/slipway-error.ts'
import { familiarReference, parseReference } from '../../oci/reference.ts'
import { invalid } from './attribute-csv.ts'

/** Reads the values of `--build-context`, `name=value`; names are image references, `:latest` is left out. */
export function parseContextNames(values: readonly string[]): ReadonlyMap<string, string> {
  const contexts = new Map<string, string>()
  for (const value of values) {
    if (value === '') continue
    const at = value.indexOf('=')
    if (at < 0) throw invalid(`invalid context value: ${value}, expected key=value`)
    contexts.set(contextName(value.slice(0, at)), value.slice(at + 1))
  }
  return contexts
}

function contextName(given: string): string {
  try {
    return familiarReference(parseReference(given)).replace(/:latest$/, '')
  } catch (e) {
    throw wrapError(`invalid context name ${given}`, e)
  }
}
