import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Settings of one profile, names in lower case. */
export type Profile = Readonly<Record<string, string>>

/**
 * The profiles of the AWS configuration of a user, `config` with `credentials` over it, and portals as `sso-session NAME`. Files that are not there or
 * cannot be read count as empty.
 * Format: https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html
 */
export async function readProfiles(
  env: Readonly<Record<string, string | undefined>>,
): Promise<ReadonlyMap<string, Profile>> {
  const home = env['HOME'] || '/'
  const read = (path: string): Promise<string> => readFile(path, 'utf8').catch(() => '')
  const config = await read(env['AWS_CONFIG_FILE'] || join(home, '.aws', 'config'))
  const credentials = await read(env['AWS_SHARED_CREDENTIALS_FILE'] || join(home, '.aws', 'credentials'))
  const profiles = new Map<string, Profile>()
  const sections = [...parseSections(config)].flatMap(([name, settings]) => {
    const plain = name === 'default' || name.startsWith('sso-session ')
    const profile = plain ? name : /^profile\s+(.+)$/.exec(name)?.[1]
    return profile === undefined ? [] : [[profile.trim(), settings] as const]
  })
  for (const [name, settings] of [...sections, ...parseSections(credentials)])
    profiles.set(name, { ...profiles.get(name), ...settings })
  return profiles
}

/** Sections of a file by name; indented lines belong to the setting above them and are left out. */
export function parseSections(text: string): ReadonlyMap<string, Profile> {
  const sections = new Map<string, Record<string, string>>()
  let current: Record<string, string> | undefined
  for (const line of text.split(/\r?\n/)) {
    const section = /^\s*\[\s*([^\]]+?)\s*\]/.exec(line)?.[1]
    if (section !== undefined) {
      current = sections.get(section) ?? {}
      sections.set(section, current)
      continue
    }
    const setting = /^([^\s=#;][^=]*?)\s*=\s*(.*?)\s*$/.exec(line)
    if (setting === null || current === undefined) continue
    const [, name = '', value = ''] = setting
    current[name.toLowerCase()] = value.replace(/\s[#;].*$/, '')
  }
  return sections
}
