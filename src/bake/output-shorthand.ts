import { attributesOf } from './attrs/attribute-csv.ts'
import type { ExportEntry } from './attrs/export-entry.ts'

/** The outputs with `--push` (or `--push=false`) applied: images are pushed, and one is added where none would be. */
export function withPush(outputs: readonly ExportEntry[], push: boolean): ExportEntry[] {
  const images = outputs.map(o => (o.type === 'image' ? withAttribute(o, 'push', String(push)) : o))
  if (!push) return withoutRegistries(images)
  return images.every(o => o.type === 'docker')
    ? [...images, { type: 'image', attributes: attributesOf([['push', 'true']]) }]
    : images
}

/** The outputs with `--load` applied: a docker output is added unless there is one, or the result goes elsewhere. */
export function withLoad(outputs: readonly ExportEntry[]): readonly ExportEntry[] {
  const elsewhere = outputs.some(o => !['docker', 'image', 'registry', 'oci'].includes(o.type))
  const loads = outputs.some(o => o.type === 'docker' && o.destination === undefined)
  return elsewhere || loads ? outputs : [...outputs, { type: 'docker', attributes: attributesOf() }]
}

/** Registry outputs are taken out; each time the last output takes the place. */
function withoutRegistries(outputs: ExportEntry[]): ExportEntry[] {
  for (let i = 0; i < outputs.length; ) {
    if (outputs[i]?.type === 'registry') {
      outputs[i] = outputs.at(-1) as ExportEntry
      outputs.pop()
    } else i++
  }
  return outputs
}

function withAttribute(o: ExportEntry, name: string, value: string): ExportEntry {
  return { ...o, attributes: attributesOf([...Object.entries(o.attributes), [name, value]]) }
}
