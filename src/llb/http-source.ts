import { capability } from './capability.ts'
import type { OpOptions } from './options.ts'
import { SourceBuilder } from './source.ts'
import { sourceAttribute } from './source-attribute.ts'
import type { State } from './state.ts'

/** Options of `http`. */
export interface HttpOptions extends OpOptions {
  /** `sha256:…` that the body must have. */
  readonly checksum?: string | undefined
  readonly filename?: string
  /** Permission bits. */
  readonly mode?: number
  readonly uid?: number
  readonly gid?: number
  /** Name of the secret with the Authorization header. */
  readonly authHeaderSecret?: string
  readonly accept?: string
  readonly userAgent?: string
}

/** A file of a web server. */
export function http(url: string, options: HttpOptions = {}): State {
  const {
    checksum,
    filename,
    mode = 0,
    uid = 0,
    gid = 0,
    authHeaderSecret,
    accept,
    userAgent,
    ...rest
  } = options
  const source = new SourceBuilder()
  source.need(capability.sourceHttp)
  source.set(sourceAttribute.httpChecksum, checksum, capability.sourceHttpChecksum)
  source.set(sourceAttribute.httpFilename, filename)
  if (mode !== 0) {
    source.set(sourceAttribute.httpPerm, `0${(mode & 0o777).toString(8)}`, capability.sourceHttpPerm)
  }
  if (uid !== 0) source.set(sourceAttribute.httpUid, String(uid), capability.sourceHttpUidGid)
  if (gid !== 0) source.set(sourceAttribute.httpGid, String(gid), capability.sourceHttpUidGid)
  source.set(sourceAttribute.httpAuthHeaderSecret, authHeaderSecret, capability.sourceHttpAuth)
  source.set(`${sourceAttribute.httpHeaderPrefix}accept`, accept, capability.sourceHttpHeader)
  source.set(`${sourceAttribute.httpHeaderPrefix}user-agent`, userAgent, capability.sourceHttpHeader)
  return source.build(url, rest)
}
