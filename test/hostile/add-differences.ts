import { layerDifferences } from './layer-differences.ts'
import type { Outcome } from './outcome.ts'

/** A kind of archives that deliberately becomes something else than BuildKit makes of it, and why. */
export interface AddDifference {
  readonly names: RegExp
  readonly why: string
  readonly wanted: (name: string) => Outcome
}

const x = '"x/" directory'

/** Where added archives deliberately become something else than BuildKit makes of them. */
export const addDifferences: readonly AddDifference[] = [
  {
    names:
      /^(?:gnu: sparse(?:, (?:no data|with a block.*|a hole of 30 MB))?|gnu: volume label.*|type: contiguous)$/,
    why: 'GNU tar reads it, and layers with it are read.',
    wanted: asTheLayer,
  },
  {
    names:
      /^(?:gnu: sparse, (?:less|more) data.*|gnu: sparse, a hole of 8 EB|pax: size huge|gnu: size in base 256, huge)$/,
    why: 'A file that no file system could hold, as the first member: no archive, as with any other broken first header.',
    wanted: () => ({ tree: [x, '"x/layer.tar" file'] }),
  },
  {
    names: /^twice: directory, then symlink$/,
    why: 'BuildKit fails at the time of the directory that is gone.',
    wanted: asTheLayer,
  },
  {
    names: /^node: 0,0 in the first layer$/,
    why: 'Overlayfs takes such a device for a whiteout as soon as there is a second layer; here it is one from the first on.',
    wanted: () => ({ tree: [x] }),
  },
  {
    names: /^xattr: trusted$/,
    why: 'Such attributes are left out of layers too: file systems take some of them for their own.',
    wanted: () => ({ tree: [x, '"x/f" file 644 0:0 1000000000 1 5cc3a655'] }),
  },
]

function asTheLayer(name: string): Outcome {
  const layer = layerDifferences[name]
  if (layer === undefined || !('tree' in layer)) throw new Error(`${name} is no layer of another kind`)
  return { tree: [x, ...layer.tree.map(line => line.replace('"', '"x/'))] }
}
