import { SlipwayError } from '../../errors/slipway-error.ts'
import { quote } from '../../gostd/quote.ts'
import { BuildSection } from './compose-build.ts'
import { isYamlList, isYamlMap, scalarText, type YamlMap } from './yaml-value.ts'

/** Checks what one service says about others and about secrets; throws `invalid-argument` in the words of compose. */
export function checkConsistency(
  services: ReadonlyMap<string, YamlMap>,
  secrets: ReadonlyMap<string, YamlMap>,
): void {
  for (const [name, service] of services) {
    const fail = (message: string): never => {
      throw new SlipwayError('invalid-argument', `service ${quote(name)} ${message}`)
    }
    const given = service.get('build')
    if (given === undefined || given === null) {
      if (!service.has('image') || service.get('image') === '')
        fail('has neither an image nor a build context specified: invalid compose project')
      continue
    }
    const build = new BuildSection(given, name)
    if (build.text('dockerfile') !== undefined && build.text('dockerfile_inline') !== undefined) {
      fail('declares mutualy exclusive dockerfile and dockerfile_inline: invalid compose project')
    }
    for (const [key, value] of build.pairs('additional_contexts')) {
      const other = value?.startsWith('service:') === true ? value.slice('service:'.length) : undefined
      if (other === undefined) continue
      const target = services.get(other)
      if (target === undefined) fail(`declares unknown service ${quote(other)} as additional contexts ${key}`)
      if (target?.get('build') === undefined)
        fail(`declares non-buildable service ${quote(other)} as additional contexts ${key}`)
    }
    const used = build.get('secrets')
    for (const entry of isYamlList(used) ? used : []) {
      const source = scalarText(isYamlMap(entry) ? (entry.get('source') ?? '') : entry)
      if (!secrets.has(source)) fail(`refers to undefined build secret ${source}: invalid compose project`)
    }
  }
  for (const [name, secret] of secrets) {
    const said = (key: string): boolean => !['', null, undefined].includes(secret.get(key) as string | null)
    if (secret.get('external') === true || isYamlMap(secret.get('external'))) continue
    if (!said('file') && !said('environment')) {
      throw new SlipwayError(
        'invalid-argument',
        `secret ${quote(name)} must declare either \`file\` or \`environment\`: invalid compose project`,
      )
    }
  }
}
