import type { Attributes } from './attributes.ts'
import type { ExportSource } from './export-source.ts'

const configKey = 'containerimage.config'
const baseConfigKey = 'containerimage.base.config'

/**
 * The source with the image configurations that the output's own options give, which count before those of the build:
 * for one platform (`containerimage.config/linux/arm64`), else for all. Clients without a frontend name them so.
 * Behaviour: https://github.com/moby/buildkit/blob/v0.32.2/exporter/containerimage/export.go, meta
 */
export function withGivenConfigs(source: ExportSource, attrs: Attributes): ExportSource {
  if (!Object.keys(attrs).some(key => key.startsWith(configKey) || key.startsWith(baseConfigKey)))
    return source
  const find = (key: string, id: string): Uint8Array | undefined => {
    const given = attrs[`${key}/${id}`]
    if (given !== undefined) return Buffer.from(given)
    const ofPlatform = source.metadata.get(`${key}/${id}`)
    const forAll = attrs[key]
    return ofPlatform ?? (forAll === undefined ? source.metadata.get(key) : Buffer.from(forAll))
  }
  const results = source.results.map(result => {
    const config = find(configKey, result.id) ?? result.config
    const baseConfig = find(baseConfigKey, result.id) ?? result.baseConfig
    return {
      ...result,
      ...(config === undefined ? {} : { config }),
      ...(baseConfig === undefined ? {} : { baseConfig }),
    }
  })
  return { ...source, results }
}
