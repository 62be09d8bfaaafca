import { readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeDirectoriesSync } from '../bytes/make-directories.ts'
import { wrapError } from '../errors/slipway-error.ts'
import { parseJson, readObject } from '../oci/json-reader.ts'

/**
 * Sets `aliases.builder` in docker's `config.json`, or takes it out; everything else in the file stays. Without a file
 * there is nothing to take out. Throws `invalid-argument` for a broken file.
 */
export function setBuilderAlias(configDir: string, plugin: string | undefined): void {
  const path = join(configDir, 'config.json')
  const found = statSync(path, { throwIfNoEntry: false })
  if (found === undefined && plugin === undefined) return
  const config: Record<string, unknown> =
    found === undefined ? { auths: {} } : { ...readObject(parseJson(readFileSync(path), path), path) }
  const { builder: _, ...others } = readObject(config['aliases'], `${path}: aliases`)
  const aliases = plugin === undefined ? others : { ...others, builder: plugin }
  if (Object.keys(aliases).length === 0) delete config['aliases']
  else config['aliases'] = aliases
  try {
    makeDirectoriesSync(configDir, 0o755)
    const temporary = `${path}.${process.pid}.tmp`
    writeFileSync(temporary, JSON.stringify(config, undefined, '\t'), {
      mode: found === undefined ? 0o600 : found.mode & 0o777,
    })
    renameSync(temporary, path)
  } catch (error) {
    throw wrapError('could not write docker config', error)
  }
}
