import { isSlipwayError } from '../errors/slipway-error.ts'
import { parseSemver } from '../gostd/semver.ts'
import { parseReference, repositoryName } from '../oci/reference.ts'

/** The version of docker/dockerfile that this frontend equals. */
const builtIn = { major: 1, minor: 26 }

const names = ['docker.io/docker/dockerfile', 'docker.io/docker/dockerfile-upstream']

/**
 * Whether a `# syntax=` asks for nothing that is not built in: `dockerfile.v0`, or docker/dockerfile without a tag, with
 * `latest`, `1`, or a version up to the built-in one, also with `-labs`. So such files need no registry.
 */
export function isBuiltInSyntax(text: string): boolean {
  if (text === 'dockerfile.v0') return true
  try {
    const reference = parseReference(text)
    if (!names.includes(repositoryName(reference))) return false
    if (reference.tag === undefined) return reference.digest === undefined
    return isBuiltInTag(reference.tag)
  } catch (error) {
    if (isSlipwayError(error)) return false
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
