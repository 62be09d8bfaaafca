import { SlipwayError } from '../../errors/slipway-error.ts'
import { decodeSource } from '../../hcl/syntax/source-text.ts'
import { parseDotEnv } from './dotenv.ts'
import type { ComposeOptions } from './load-compose.ts'
import { asList } from './merge-compose.ts'
import { isYamlList, isYamlMap, scalarText, type YamlMap } from './yaml-value.ts'

/** The variables a service sets for itself, from which build arguments without a value are taken too. */
export async function serviceEnvironment(
  service: YamlMap,
  options: ComposeOptions,
): Promise<ReadonlyMap<string, string>> {
  const environment = new Map<string, string>()
  const files = service.get('env_file')
  for (const entry of isYamlList(files) ? files : files === undefined || files === null ? [] : [files]) {
    const path = scalarText(isYamlMap(entry) ? (entry.get('path') ?? '') : entry)
    const data = await options.readFile(path)
    if (data === undefined) {
      if (isYamlMap(entry) && entry.get('required') === false) continue
      throw new SlipwayError(
        'not-found',
        `env file ${path} not found: stat ${path}: no such file or directory`,
      )
    }
    const lookup = (name: string): string | undefined => environment.get(name) ?? options.lookup(name)
    for (const [k, v] of parseDotEnv(decodeSource(data), lookup)) environment.set(k, v)
  }
  for (const entry of asList(service.get('environment') ?? null)) {
    const text = scalarText(entry)
    const at = text.indexOf('=')
    const name = at < 0 ? text : text.slice(0, at)
    const value = at < 0 ? options.lookup(name) : text.slice(at + 1)
    if (value !== undefined) environment.set(name, value)
  }
  return environment
}
