import { ramInBytes } from '../../gostd/byte-units.ts'
import { tryParseBool } from '../../gostd/parse-number.ts'
import { quote } from '../../gostd/quote.ts'
import { withSuggestion } from '../suggest.ts'
import { invalid } from './argument-error.ts'
import { fieldsOf } from './device.ts'

/** Kinds of mounts. */
export const mountTypes = ['bind', 'cache', 'tmpfs', 'secret', 'ssh'] as const
/** A kind of mount. */
export type MountType = (typeof mountTypes)[number]

const sharingModes = ['shared', 'private', 'locked'] as const

/** How a cache is shared by steps that run at the same time. */
export type CacheSharing = (typeof sharingModes)[number]

/** A mount of RUN, as written; what is not given is empty or undefined. */
export interface Mount {
  readonly type: MountType
  readonly from: string
  readonly source: string
  readonly target: string
  readonly readonly: boolean
  /** Bytes, of tmpfs; 0 for no limit. */
  readonly size: number
  /** `id` of cache, secret and ssh. */
  readonly id: string
  readonly sharing: CacheSharing | undefined
  readonly required: boolean
  /** Variable that gets the secret; the empty text asks for the default name. */
  readonly env: string | undefined
  readonly mode: number | undefined
  readonly uid: number | undefined
  readonly gid: number | undefined
}

type Draft = { -readonly [K in keyof Mount]: Mount[K] } & { explicitAccess: boolean }

const keys =
  'type from source target readonly id sharing required size mode uid gid src dst destination ro rw readwrite env'

/** The `from` of a mount, without looking at the rest. Throws `invalid-argument` where it holds a variable. */
export function mountFrom(text: string): string {
  let from = ''
  for (const field of fieldsOf(text, 'mounts')) {
    const at = field.indexOf('=')
    if (at < 0 || field.slice(0, at).toLowerCase() !== 'from') continue
    from = field.slice(at + 1)
    const dollar = from.indexOf('$')
    if (dollar >= 0 && dollar !== from.length - 1) {
      throw invalid("'from' doesn't support variable expansion, define alias stage instead")
    }
  }
  return from
}

/** Reads the value of `RUN --mount`; `expand` resolves variables in each value. Throws `invalid-argument`. */
export function parseMount(text: string, expand: (value: string) => string): Mount {
  const draft: Draft = {
    type: 'bind',
    from: '',
    source: '',
    target: '',
    readonly: true,
    size: 0,
    id: '',
    sharing: undefined,
    required: false,
    env: undefined,
    mode: undefined,
    uid: undefined,
    gid: undefined,
    explicitAccess: false,
  }
  for (const field of fieldsOf(text, 'mounts')) {
    const at = field.indexOf('=')
    const key = (at < 0 ? field : field.slice(0, at)).toLowerCase()
    if (at < 0) readFlag(draft, key, field)
    else readField(draft, key, expand(field.slice(at + 1)), field)
  }
  checkOwner(draft)
  if (!draft.explicitAccess) draft.readonly = draft.type !== 'cache' && draft.type !== 'tmpfs'
  if (draft.type === 'secret') checkSecret(draft)
  if (draft.sharing !== undefined && draft.type !== 'cache') {
    throw invalid(`invalid cache sharing set for ${draft.type} mount`)
  }
  const { explicitAccess: _, ...mount } = draft
  return mount
}

function readFlag(draft: Draft, key: string, field: string): void {
  if (key === 'readonly' || key === 'ro') setAccess(draft, true)
  else if (key === 'readwrite' || key === 'rw') setAccess(draft, false)
  else if (key === 'required') setRequired(draft, key, true)
  else throw invalid(`invalid field '${field}' must be a key=value pair`)
}

function readField(draft: Draft, key: string, value: string, field: string): void {
  switch (key) {
    case 'type':
      draft.type = oneOf(mountTypes, value, 'unsupported mount type')
      break
    case 'from':
      draft.from = value
      break
    case 'source':
    case 'src':
      draft.source = value
      break
    case 'target':
    case 'dst':
    case 'destination':
      draft.target = value
      break
    case 'readonly':
    case 'ro':
      setAccess(draft, readBool(key, value))
      break
    case 'readwrite':
    case 'rw':
      setAccess(draft, !readBool(key, value))
      break
    case 'required':
      setRequired(draft, key, () => readBool(key, value))
      break
    case 'size':
      if (draft.type !== 'tmpfs') throw unexpected(key, draft.type)
      draft.size = readSize(key, value)
      break
    case 'id':
      draft.id = value
      break
    case 'sharing':
      draft.sharing = oneOf(sharingModes, value, 'unsupported sharing value')
      break
    case 'mode':
      draft.mode = readNumber(key, value, 8)
      break
    case 'uid':
    case 'gid':
      draft[key] = readNumber(key, value, 10)
      break
    case 'env':
      draft.env = value
      break
    default:
      throw withSuggestion(invalid(`unexpected key '${key}' in '${field}'`), key, keys.split(' '))
  }
}

function setAccess(draft: Draft, readonly: boolean): void {
  draft.readonly = readonly
  draft.explicitAccess = true
}

function setRequired(draft: Draft, key: string, required: boolean | (() => boolean)): void {
  if (draft.type !== 'secret' && draft.type !== 'ssh') throw unexpected(key, draft.type)
  draft.required = typeof required === 'boolean' ? required : required()
}

function checkOwner(draft: Draft): void {
  if (draft.type !== 'bind' && draft.type !== 'tmpfs') return
  for (const key of ['mode', 'uid', 'gid'] as const) {
    if (draft[key] !== undefined) throw invalid(`${key} not allowed for ${quote(draft.type)} type mounts`)
  }
}

function checkSecret(draft: Draft): void {
  if (draft.from !== '') throw invalid('secret mount should not have a from')
  if (draft.sharing !== undefined) throw invalid('secret mount should not define sharing')
  if (draft.source === '' && draft.target === '' && draft.id === '') {
    throw invalid('invalid secret mount. one of source, target required')
  }
  if (draft.source !== '' && draft.id !== '') throw invalid("both source and id can't be set")
}

function oneOf<T extends string>(allowed: readonly T[], value: string, message: string): T {
  const found = allowed.find(item => item === value.toLowerCase())
  if (found === undefined) throw withSuggestion(invalid(`${message} ${quote(value)}`), value, allowed)
  return found
}

function readBool(key: string, value: string): boolean {
  const flag = tryParseBool(value)
  if (flag === undefined) throw invalid(`invalid value for ${key}: ${value}`)
  return flag
}

function readSize(key: string, value: string): number {
  try {
    return ramInBytes(value)
  } catch {
    throw invalid(`invalid value for ${key}: ${value}`)
  }
}

function readNumber(key: string, value: string, radix: 8 | 10): number {
  const digits = radix === 8 ? /^[0-7]+$/ : /^[0-9]+$/
  const number = Number.parseInt(value, radix)
  if (!digits.test(value) || number > 0xffffffff) throw invalid(`invalid value ${value} for ${key}`)
  return number
}

function unexpected(key: string, type: MountType): Error {
  return invalid(`unexpected key '${key}' for mount type '${type}'`)
}
