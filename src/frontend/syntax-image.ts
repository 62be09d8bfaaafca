import { isSlipwayError } from '../errors/slipway-error.ts'
import { parseSemver } from '../gostd/semver.ts'
import { parseReference, type Reference, repositoryName } from '../oci/reference.ts'

/** The version of docker/dockerfile that this frontend equals. */
const builtIn = { major: 1, minor: 26 }

/** That version as a text. */
export const builtInVersion = `${builtIn.major}.${builtIn.minor}`

const names = ['docker.io/docker/dockerfile', 'docker.io/docker/dockerfile-upstream']

/**
 * Whether a `# syntax=` asks for nothing that is not built in: `dockerfile.v0`, or docker/dockerfile without a tag, with
 * `latest`, `1`, or a version up to the built-in one, also with `-labs`. So such files need no registry.
 */
export function isBuiltInSyntax(text: string): boolean {
  if (text === 'dockerfile.v0') return true
  const reference = builtInName(text)
  if (reference === undefined) return false
  if (reference.tag === undefined) return reference.digest === undefined
  return isBuiltInTag(reference.tag)
}

/** What to say of a `# syntax=` for docker/dockerfile that is not built in; undefined for all other frontends. */
export function newerSyntaxHint(text: string): string | undefined {
  if (builtInName(text) === undefined || isBuiltInSyntax(text)) return undefined
  return `the built-in frontend is that of docker/dockerfile:${builtInVersion}; other versions have to be pulled`
}

/** The image, if it is one of those of which a version is built in. */
function builtInName(text: string): Reference | undefined {
  try {
    const reference = parseReference(text)
    return names.includes(repositoryName(reference)) ? reference : undefined
  } catch (error) {
    if (isSlipwayError(error)) return undefined
    throw error
  }
}

function isBuiltInTag(tag: string): boolean {
  const version = tag.replace(/-(labs|experimental)$/, '')
  if (['latest', 'stable', 'labs'].includes(version)) return true
  const parsed = parseSemver(version)
  if (parsed === undefined || parsed.prerelease.length > 0) return false
  return parsed.major === builtIn.major && parsed.minor <= builtIn.minor
}
