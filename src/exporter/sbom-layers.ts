import { lstatSync } from 'node:fs'
import { posix } from 'node:path'
import { goJson, type JsonValue } from '../gostd/json.ts'
import type { ImageLayer } from './image-layers.ts'
import type { Attestation } from './export-source.ts'

/**
 * Adds to a bill of materials, for each of its files, the layer that the file is in (`layerID: sha256:…`), as BuildKit
 * does. What is no SPDX document stays as it is. `directories`: the layers on disk, lowest first, as many as `layers`.
 * Behaviour: https://github.com/moby/buildkit/blob/v0.32.2/exporter/containerimage/attestations.go
 */
export async function withLayers(
  attestation: Attestation,
  layers: readonly ImageLayer[],
  directories: () => Promise<readonly string[]>,
): Promise<Attestation> {
  if (!attestation.sbomCore) return attestation
  const document = parseSpdx(await attestation.predicate())
  if (document === undefined) return attestation
  const stack = await directories()
  const comment = (file: unknown): void => {
    if (!isRecord(file) || typeof file['fileName'] !== 'string') return
    if (typeof file['comment'] === 'string' && file['comment'] !== '') return
    const at = layerOf(file['fileName'], stack)
    const layer = at === undefined ? undefined : layers[at]
    if (layer !== undefined) file['comment'] = `layerID: ${layer.descriptor.digest}`
  }
  for (const file of listOf(document['files'])) comment(file)
  for (const one of listOf(document['packages']))
    if (isRecord(one)) for (const file of listOf(one['files'])) comment(file)
  const creation = isRecord(document['creationInfo']) ? document['creationInfo'] : {}
  document['creationInfo'] = {
    ...creation,
    creators: [...listOf(creation['creators']), 'Tool: buildkit-v0.32.2'],
  }
  const bytes = Buffer.from(goJson(document as JsonValue))
  return { ...attestation, predicate: async () => bytes }
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])

function parseSpdx(bytes: Uint8Array): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'))
    return isRecord(value) && typeof value['spdxVersion'] === 'string' ? value : undefined
  } catch {
    return undefined
  }
}

/** The highest layer that has a file under this name itself; links on the way are not followed, they are files too. */
function layerOf(name: string, directories: readonly string[]): number | undefined {
  const parts = posix
    .join('/', name)
    .split('/')
    .filter(part => part !== '')
  for (let at = directories.length - 1; at >= 0; at--) if (has(directories[at] as string, parts)) return at
  return undefined
}

function has(directory: string, parts: readonly string[]): boolean {
  let path = directory
  for (const [i, part] of parts.entries()) {
    path += `/${part}`
    const stat = lstatSync(path, { throwIfNoEntry: false })
    if (stat === undefined) return false
    const last = i === parts.length - 1
    // A character device 0:0 stands for a removed name.
    if (stat.isCharacterDevice() && stat.rdev === 0) return false
    if (!last && !stat.isDirectory()) return false
  }
  return parts.length > 0
}
