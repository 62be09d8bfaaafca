import { SlipwayError } from '../errors/slipway-error.ts'
import { lazyCsvFields } from '../gostd/csv.ts'
import { parseBool } from '../gostd/parse-number.ts'

/** What is run in the container of a step that is looked at, and when it is looked at. */
export interface InvokeConfig {
  /** Successful builds are stopped at too. */
  readonly always: boolean
  readonly entrypoint?: readonly string[]
  /** Absent: that of the image. */
  readonly cmd?: readonly string[]
  readonly env: readonly string[]
  /** Absent: that of the step or the image. */
  readonly user?: string
  readonly cwd?: string
  readonly tty: boolean
  /** The trees as they were before the step. */
  readonly initial?: boolean
}

/**
 * The values of `--invoke` (`default`, `on-error`, a program, or CSV of `args`, `entrypoint`, `env`, `user`, `cwd`, `tty`) and
 * `--on`. Throws `invalid-argument` in buildx's words.
 */
export function parseInvokeConfig(invoke: string, on: string): InvokeConfig {
  const always = on === 'always' || (on !== 'error' && invoke !== '')
  const plain = { always, env: [], user: '', cwd: '', tty: true }
  if (invoke === '' || invoke === 'default') return plain
  if (invoke === 'on-error') return { ...plain, cmd: ['/bin/sh'] }
  const fields = lazyCsvFields(invoke)
  if (fields.length === 1 && fields[0]?.includes('=') === false) return { ...plain, cmd: fields }
  return fields.reduce(withField, { always, env: [], tty: true })
}

function withField(config: InvokeConfig, field: string): InvokeConfig {
  const at = field.indexOf('=')
  if (at < 0) throw new SlipwayError('invalid-argument', `invalid value ${field}`)
  const key = field.slice(0, at).toLowerCase()
  const value = field.slice(at + 1)
  switch (key) {
    case 'args':
      return { ...config, cmd: [...(config.cmd ?? []), ...words(value)] }
    case 'entrypoint':
      return {
        ...config,
        entrypoint: [...(config.entrypoint ?? []), ...words(value)],
        cmd: config.cmd ?? [],
      }
    case 'env':
      return { ...config, env: [...config.env, ...words(value)] }
    case 'user':
      return { ...config, user: value }
    case 'cwd':
      return { ...config, cwd: value }
    case 'tty':
      return { ...config, tty: boolOf(value) }
    default:
      throw new SlipwayError('invalid-argument', `unknown key ${JSON.stringify(key)}`)
  }
}

function boolOf(value: string): boolean {
  try {
    return parseBool(value)
  } catch (e) {
    throw new SlipwayError('invalid-argument', `failed to parse tty: ${(e as Error).message}`)
  }
}

/** A list in JSON, or one word. */
function words(value: string): readonly string[] {
  try {
    const parsed: unknown = JSON.parse(value)
    if (Array.isArray(parsed) && parsed.every(one => typeof one === 'string')) return parsed
  } catch {
    // No JSON: the text itself.
  }
  return [value]
}
