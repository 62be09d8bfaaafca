import type { ImageAnswer } from './image-answer.ts'

/** What a driver answers differently, and why; the list stands in docs/builders.md too. */
export interface Differences {
  /** Makes images alike. */
  readonly images?: (image: ImageAnswer) => ImageAnswer
  /** Steps that are not compared. */
  readonly steps?: RegExp
  /** Builds that fail with other words. */
  readonly errors?: readonly string[]
}

/**
 * A folder that takes the place of another hides what was in that as a whole (docker's classic store), or each of its files
 * is hidden (BuildKit, Slipway).
 */
const hidden = /\/\.wh\./

const ofClassicStore = (image: ImageAnswer): ImageAnswer => ({
  ...image,
  layers: image.layers.map(lines => {
    const markers = lines.filter(line => hidden.test(line)).map(line => line.replace(/ .*/, ''))
    const replaced = markers.length > 2 || markers.some(line => line.endsWith('/.wh..wh..opq'))
    return [...lines.filter(line => !hidden.test(line)), ...(replaced ? ['(replaced)'] : markers)]
  }),
})

/** The frontend of docker 26 writes no values of build arguments into the history, and Go's values for ports and checks. */
const ofDocker26 = (image: ImageAnswer): ImageAnswer => {
  const steps = (image.config['history'] ?? []) as readonly { readonly created_by?: string }[]
  const history = steps.map(step => ({
    ...step,
    created_by: step.created_by?.replace(/^(ARG \w+|EXPOSE|HEALTHCHECK)\b.*/, '$1'),
  }))
  return { ...image, config: { ...image.config, history } }
}

/** By the name of the way to the driver. */
export const known: Readonly<Record<string, Differences>> = {
  docker: { images: image => ofClassicStore(ofDocker26(image)), errors: ['badFlag'] },
  containerd: { images: ofDocker26, errors: ['badFlag'] },
  container: { steps: /^\[internal\] booting buildkit$/ },
}
