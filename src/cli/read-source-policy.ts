import { fromBinary } from '@bufbuild/protobuf'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { asSlipwayError, SlipwayError, wrapError } from '../errors/slipway-error.ts'
import { type Policy, PolicySchema } from '../proto/gen/source-policy_pb.ts'
import { goErrnoText } from '../sys/errno-error.ts'
import { decodePolicy } from './decode-policy.ts'
import type { Host } from './host.ts'

/**
 * The rules about sources in the file that EXPERIMENTAL_BUILDKIT_SOURCE_POLICY names, JSON or protobuf; undefined where it
 * names none. Throws `failed to read policy file`, `failed to parse source policy`.
 * Behaviour: https://github.com/docker/buildx/blob/v0.36.1/build/build.go
 */
export function readSourcePolicy(host: Pick<Host, 'env' | 'cwd'>): Policy | undefined {
  const path = host.env['EXPERIMENTAL_BUILDKIT_SOURCE_POLICY'] ?? ''
  if (path === '') return undefined
  const bytes = readPolicyFile(resolve(host.cwd, path), path)
  try {
    return decodePolicy(bytes.toString('utf8'))
  } catch (error) {
    try {
      return fromBinary(PolicySchema, bytes)
    } catch {
      throw wrapError('failed to parse source policy', error)
    }
  }
}

function readPolicyFile(path: string, given: string): Buffer {
  try {
    return readFileSync(path)
  } catch (error) {
    const { errno, code, syscall } = error as NodeJS.ErrnoException
    const text = goErrnoText({ errno, code }, syscall ?? 'open', given)
    if (text === undefined) throw wrapError('failed to read policy file', error)
    const message = `failed to read policy file: ${text}`
    throw new SlipwayError(asSlipwayError(error).code, message, { cause: error })
  }
}
