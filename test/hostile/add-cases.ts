import { layerCases } from './layer-cases.ts'

/** Kinds of layers that say nothing about archives that a build adds. */
const ofLayers =
  /^(?:whiteout|diffID|packed: (?:a type|encrypted|non-dist|foreign|bomb|.* of Docker|\S+ as gzip|\S+ as zstd))/

/** The archives of all layers that are alone, by name, as they are packed. */
export const addCases: Readonly<Record<string, () => Buffer>> = Object.fromEntries(
  Object.entries(layerCases)
    .filter(([name]) => !ofLayers.test(name))
    .filter(([, layers]) => layers().length === 1)
    .map(([name, layers]) => [name, () => bytesOf(layers()[0])]),
)

function bytesOf(layer: ReturnType<(typeof layerCases)[string]>[number] | undefined): Buffer {
  return layer === undefined ? Buffer.alloc(0) : Buffer.isBuffer(layer) ? layer : layer.blob
}
