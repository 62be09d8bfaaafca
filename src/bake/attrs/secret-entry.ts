import { csvFields } from '../../gostd/csv.ts'
import { isSlipwayError, wrapError } from '../../errors/slipway-error.ts'
import { quote } from '../../gostd/quote.ts'
import { invalid, lastByKey, writePairs } from './attribute-csv.ts'

/** One value of `--secret`: which secret comes from where. Nothing is read here. */
export interface SecretEntry {
  readonly id: string
  /** The file that holds it. */
  readonly source?: string
  /** The environment variable that holds it. */
  readonly env?: string
}

/** Reads `id=…,src=…,env=…,type=file|env`. Throws `invalid-argument`. */
export function parseSecretEntry(text: string): SecretEntry {
  let fields: string[]
  try {
    fields = csvFields(text)
  } catch (e) {
    throw isSlipwayError(e) ? wrapError('failed to parse csv secret', e) : e
  }
  let [id, source, env, type] = ['', '', '', '']
  for (const field of fields) {
    const at = field.indexOf('=')
    if (at < 0) throw invalid(`invalid field '${field}' must be a key=value pair`)
    const key = field.slice(0, at).toLowerCase()
    const value = field.slice(at + 1)
    if (key === 'type') {
      if (value !== 'file' && value !== 'env') throw invalid(`unsupported secret type ${quote(value)}`)
      type = value
    } else if (key === 'id') id = value
    else if (key === 'source' || key === 'src') source = value
    else if (key === 'env') env = value
    else throw invalid(`unexpected key '${key}' in '${field}'`)
  }
  return type === 'env' && env === '' ? makeSecretEntry(id, '', source) : makeSecretEntry(id, source, env)
}

/** An entry in which empty texts count as absent. */
export function makeSecretEntry(id: string, source: string, env: string): SecretEntry {
  return { id, ...(source === '' ? {} : { source }), ...(env === '' ? {} : { env }) }
}

/** Reads all values of `--secret`; empty ones are left out. */
export function parseSecretEntries(values: readonly string[]): SecretEntry[] {
  return values.filter(v => v !== '').map(parseSecretEntry)
}

/** The entry as it is written on the command line. */
export function writeSecretEntry(e: SecretEntry): string {
  const pairs = [
    ['id', e.id],
    ['src', e.source ?? ''],
    ['env', e.env ?? ''],
  ] as const
  return writePairs(pairs.filter(([, value]) => value !== ''))
}

/** One entry per id, the last one given. */
export function distinctSecrets(entries: readonly SecretEntry[]): SecretEntry[] {
  return lastByKey(entries, e => e.id)
}
