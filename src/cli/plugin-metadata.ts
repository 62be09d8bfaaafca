import { version } from './version.ts'

/** The sub-command by which docker asks a plugin who it is. */
export const metadataCommand = 'docker-cli-plugin-metadata'

/**
 * The answer to it, with a newline. https://github.com/docker/cli/blob/v29.1.3/cli-plugins/metadata/metadata.go
 */
export function pluginMetadata(): string {
  const metadata = {
    SchemaVersion: '0.1.0',
    Vendor: 'Docker Inc.',
    Version: version,
    ShortDescription: 'Docker Buildx',
  }
  return `${JSON.stringify(metadata, null, 5)}\n`
}
