import { SlipwayError } from '../errors/slipway-error.ts'
import { createArchiveExporter } from '../exporter/archive-exporter.ts'
import type { Attributes } from '../exporter/attributes.ts'
import type { ClientSink } from '../exporter/client-sink.ts'
import type { ExporterInstance } from '../exporter/exporter.ts'
import type { BlobStore } from '../exporter/image-copy.ts'
import { createImageExporter, type ImageExporterServices } from '../exporter/image-exporter.ts'
import { createLocalExporter, createTarExporter } from '../exporter/local-exporter.ts'
import type { EngineServices } from './services.ts'

/** What exporters need of the engine. */
export interface ExporterServices extends EngineServices {
  readonly pushTarget: ImageExporterServices['pushTarget']
  readonly sink: (sessionId: string) => Promise<ClientSink>
  readonly exportStore: (sessionId: string) => Promise<BlobStore>
  readonly materialize: ImageExporterServices['materialize']
  readonly directories: ImageExporterServices['directories']
}

/**
 * Options of an output with the build's SOURCE_DATE_EPOCH, where they name no time themselves.
 * Source: https://github.com/moby/buildkit/blob/v0.32.2/control/control.go
 */
export function withEpoch(attrs: Attributes, frontendAttrs: Attributes): Attributes {
  const epoch = frontendAttrs['build-arg:SOURCE_DATE_EPOCH']
  if (epoch === undefined || !/^[+-]?\d*$/.test(epoch)) return attrs
  return { 'source-date-epoch': epoch, ...attrs }
}

/** The exporter of a type. Throws `invalid-argument` (`exporter "x" could not be found`). */
export function createExporter(
  id: number,
  type: string,
  attrs: Attributes,
  services: ExporterServices,
): ExporterInstance {
  const trees = { view: services.trees.view.bind(services.trees), sink: services.sink, now: services.now }
  switch (type) {
    case 'image':
      return createImageExporter(id, attrs, services)
    case 'registry':
      return createImageExporter(id, { push: 'true', ...attrs }, services)
    case 'oci':
    case 'docker':
      return createArchiveExporter(id, type, attrs, services)
    case 'local':
      return createLocalExporter(id, attrs, trees)
    case 'tar':
      return createTarExporter(id, attrs, trees)
    default:
      throw new SlipwayError('invalid-argument', `exporter ${JSON.stringify(type)} could not be found`, {
        hint: 'outputs are image, registry, oci, docker, local, tar and cacheonly',
      })
  }
}
