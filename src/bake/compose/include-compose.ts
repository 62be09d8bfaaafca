import { SlipwayError } from '../../errors/slipway-error.ts'
import { decodeSource } from '../../hcl/syntax/source-text.ts'
import { quote } from '../../gostd/quote.ts'
import { parseDotEnv } from './dotenv.ts'
import type { Lookup } from './interpolate.ts'
import type { ComposeOptions } from './load-compose.ts'
import { folderOf, joinPath } from './relative-paths.ts'
import { goTypeName, isYamlList, isYamlMap, scalarText, type YamlMap, type YamlValue } from './yaml-value.ts'

/** An entry of `include`. */
export interface Include {
  /** Paths from the working directory: a file and what is put over it. */
  readonly files: readonly string[]
  /** What its paths are relative to; empty for the working directory. */
  readonly folder: string
  /** Variables, with those of its env files. */
  readonly lookup: Lookup
}

/** The entries of `include` in a document that lies in `folder`. Throws in compose's words. */
export async function includesOf(
  document: YamlMap,
  folder: string,
  options: ComposeOptions,
): Promise<readonly Include[]> {
  const written = document.get('include')
  if (written === undefined || written === null) return []
  if (!isYamlList(written))
    throw invalid(`\`include\` must be a list, got ${isYamlMap(written) ? 'map[]' : scalarText(written)}`)
  const includes: Include[] = []
  for (const [i, entry] of written.entries()) {
    if (typeof entry !== 'string' && !isYamlMap(entry)) {
      const got = quote(goTypeName(entry))
      throw invalid(
        `decoding failed due to the following error(s):\n\n'[${i}]' expected a map or struct, got ${got}`,
      )
    }
    const fields: YamlMap = isYamlMap(entry) ? entry : new Map([['path', entry]])
    const files = texts(fields.get('path')).map(path => joinPath(folder, path))
    const given = fields.get('project_directory')
    const own = typeof given === 'string' && given !== '' ? joinPath(folder, given) : folderOf(files[0] ?? '')
    const lookup = await withEnvFiles(await envFiles(fields, folder, own, options), options)
    includes.push({ files, folder: own === '.' ? '' : own, lookup })
  }
  return includes
}

async function envFiles(
  fields: YamlMap,
  folder: string,
  own: string,
  options: ComposeOptions,
): Promise<readonly Uint8Array[]> {
  const named = texts(fields.get('env_file')).filter(path => path !== '/dev/null')
  if (named.length === 0) {
    const usual = own === '' ? undefined : await options.readFile(joinPath(own, '.env'))
    return usual === undefined ? [] : [usual]
  }
  return await Promise.all(
    named.map(async name => {
      const path = joinPath(folder, name)
      const data = await options.readFile(path)
      if (data === undefined) throw invalid(`stat ${path}: no such file or directory`)
      return data
    }),
  )
}

async function withEnvFiles(files: readonly Uint8Array[], { lookup }: ComposeOptions): Promise<Lookup> {
  if (files.length === 0) return lookup
  const values = new Map<string, string>()
  for (const data of files) {
    const known = (name: string): string | undefined => lookup(name) ?? values.get(name)
    for (const [name, value] of parseDotEnv(decodeSource(data), known)) values.set(name, value)
  }
  const { missing, warn } = lookup
  const told = { ...(missing === undefined ? {} : { missing }), ...(warn === undefined ? {} : { warn }) }
  return Object.assign((name: string) => lookup(name) ?? values.get(name), told)
}

function texts(value: YamlValue | undefined): readonly string[] {
  if (value === undefined || value === null) return []
  return (isYamlList(value) ? value : [value]).map(scalarText)
}

function invalid(message: string): SlipwayError {
  return new SlipwayError('invalid-argument', message)
}
