import { cleanPath, directoryName } from '../../hcl/functions/text.ts'
import { isYamlList, isYamlMap, type YamlMap, type YamlValue } from './yaml-value.ts'

/** A path of a file in `folder` as it is from the working directory; an absolute one, and one at home, stays. */
export function joinPath(folder: string, path: string): string {
  if (/^$|^[/~]/.test(path)) return path
  return cleanPath(folder === '' ? path : `${folder}/${path}`)
}

/** The folder of a file; empty for the working directory. */
export function folderOf(path: string): string {
  const folder = directoryName(path)
  return folder === '.' ? '' : folder
}

/**
 * A document that lies in `folder`, with its paths as they are from the working directory: contexts, env files, keys,
 * secrets and the files that it extends. Its short forms have been spelled out before.
 */
export function rebase(document: YamlMap, folder: string): YamlMap {
  const path = (value: YamlValue): YamlValue => (typeof value === 'string' ? joinPath(folder, value) : value)
  const context = (value: YamlValue): YamlValue =>
    typeof value === 'string' && isRemote(value) ? value : path(value)
  const build = fields({
    context,
    additional_contexts: value => each(value, context),
    ssh: value => each(value, path),
  })
  const service = fields({
    build,
    env_file: value => each(value, fields({ path })),
    extends: fields({ file: path }),
  })
  return fields({
    services: value => each(value, service),
    secrets: value => each(value, fields({ file: path })),
  })(document) as YamlMap
}

type Change = (value: YamlValue) => YamlValue

/** Changes some fields of a mapping, if it is one. */
function fields(changes: Readonly<Record<string, Change>>): Change {
  return value =>
    isYamlMap(value)
      ? new Map([...value].map(([k, v]) => [k, Object.hasOwn(changes, k) ? (changes[k] as Change)(v) : v]))
      : value
}

/** Changes every value of a mapping or a list. */
function each(value: YamlValue, change: Change): YamlValue {
  if (isYamlList(value)) return value.map(change)
  return isYamlMap(value) ? new Map([...value].map(([k, v]) => [k, change(v)])) : value
}

function isRemote(context: string): boolean {
  return context.includes('://') || /^(?:service:|github\.com\/|git@)/.test(context)
}
