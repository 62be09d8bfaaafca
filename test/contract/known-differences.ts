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

/** BuildKit leaves the folders that it mounted something on in the layer of the step, Slipway takes them away again. */
const mountPoints = /^(dev|proc|sys)\/ 755 0:0 directory$/

/**
 * A folder that takes the place of another hides what was in that as a whole (Slipway, docker's classic store), or each
 * of its files is hidden (BuildKit). Markers of what is hidden have modes that mean nothing.
 */
const hidden = /\/\.wh\./

const ofBuildKit = (image: ImageAnswer): ImageAnswer => ({
  ...image,
  layers: image.layers.map(lines => {
    const shown = lines.filter(line => !mountPoints.test(line))
    const markers = shown.filter(line => hidden.test(line)).map(line => line.replace(/ .*/, ''))
    const replaced = markers.length > 2 || markers.some(line => line.endsWith('/.wh..wh..opq'))
    return [...shown.filter(line => !hidden.test(line)), ...(replaced ? ['(replaced)'] : markers)]
  }),
})

/** The frontend of docker 26 writes no values of build arguments into the history, and Go's values for ports and checks. */
const ofDocker26 = (image: ImageAnswer): ImageAnswer => {
  const steps = (image.config['history'] ?? []) as readonly { readonly created_by?: string }[]
  const history = steps.map(step => ({
    ...step,
    created_by: step.created_by?.replace(/^(ARG \w+|EXPOSE|HEALTHCHECK)\b.*/, '$1'),
  }))
  return ofBuildKit({ ...image, config: { ...image.config, history } })
}

/** By the name of the way to the driver. */
export const known: Readonly<Record<string, Differences>> = {
  docker: { images: ofDocker26, errors: ['badFlag'] },
  containerd: { images: ofDocker26, errors: ['badFlag'] },
  buildkitd: { images: ofBuildKit },
}
