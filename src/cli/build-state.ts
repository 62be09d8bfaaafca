import { resolve } from 'node:path'
import type { BuildRequest } from '../build/build-request.ts'
import { isRemoteUrl } from '../build/remote-url.ts'
import type { BuildState } from '../builder/local-state.ts'

/**
 * What is noted of a build: context and Dockerfile as the user gave them, paths of this machine made absolute; `-` is standard
 * input, an empty Dockerfile the usual one. Undefined where nothing is built. Behaviour:
 * https://github.com/docker/buildx/blob/v0.36.1/build/localstate.go
 */
export function buildState(
  { context, dockerfile = '', call }: Pick<BuildRequest, 'context' | 'dockerfile' | 'call'>,
  cwd: string,
): Pick<BuildState, 'localPath' | 'dockerfilePath'> | undefined {
  if (call !== undefined) return undefined
  const isLocal = context !== '-' && !isRemoteUrl(context)
  const isPath = isLocal && dockerfile !== '' && dockerfile !== '-'
  return {
    localPath: isLocal ? resolve(cwd, context) : context,
    dockerfilePath: isPath ? resolve(cwd, dockerfile) : dockerfile,
  }
}
