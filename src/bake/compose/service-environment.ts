import { SlipwayError } from '../../errors/slipway-error.ts'
import { quote } from '../../gostd/quote.ts'
import { decodeSource } from '../../hcl/syntax/source-text.ts'
import { parseDotEnv } from './dotenv.ts'
import { filePath } from './compose-build.ts'
import type { ComposeReadOptions } from './load-compose.ts'
import { asList } from './merge-compose.ts'
import { isYamlList, isYamlMap, scalarText, type YamlMap, yamlFlag } from './yaml-value.ts'

/** What is wrong with the flags of the env files of a service. */
export function envFileProblems(service: YamlMap, name: string): string[] {
  const files = service.get('env_file')
  return (isYamlList(files) ? files : []).flatMap((entry, i) => {
    const required = isYamlMap(entry) ? (entry.get('required') ?? true) : true
    if (yamlFlag(required) !== undefined) return []
    return [`'services[${name}].env_file[${i}].required' invalid boolean: ${scalarText(required)}`]
  })
}

/**
 * The variables a service sets for itself, from which build arguments without a value are taken too. `environment`
 * counts more than `env_file`, even where it leaves a value to an environment that has none.
 */
export async function serviceEnvironment(
  service: YamlMap,
  options: ComposeReadOptions,
): Promise<ReadonlyMap<string, string>> {
  const own = new Map<string, string | undefined>()
  for (const entry of asList(service.get('environment') ?? null)) {
    const text = scalarText(entry)
    const at = text.indexOf('=')
    if (at < 0) own.set(text, options.lookup(text))
    else own.set(text.slice(0, at), text.slice(at + 1))
  }
  const environment = new Map<string, string>()
  const files = service.get('env_file')
  for (const entry of isYamlList(files) ? files : files === undefined || files === null ? [] : [files]) {
    const path = filePath(scalarText(isYamlMap(entry) ? (entry.get('path') ?? '') : entry), options.home)
    const isRequired = isYamlMap(entry) ? yamlFlag(entry.get('required') ?? true, options.warn) : true
    const data = await options.readFile(path)
    if (data === undefined) {
      if (isRequired === false) continue
      throw new SlipwayError(
        'not-found',
        `env file ${path} not found: stat ${path}: no such file or directory`,
      )
    }
    const format = isYamlMap(entry) ? scalarText(entry.get('format') ?? '') : ''
    if (format !== '')
      throw new SlipwayError('invalid-argument', `unsupported env_file format ${quote(format)}`)
    const lookup = (name: string): string | undefined => options.lookup(name) ?? own.get(name)
    for (const [k, v] of parseDotEnv(decodeSource(data), lookup)) environment.set(k, v)
  }
  for (const [name, value] of own) {
    if (value === undefined) environment.delete(name)
    else environment.set(name, value)
  }
  return environment
}
