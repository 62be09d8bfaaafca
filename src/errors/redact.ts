// Looks back at the scheme, so that text of any length and kind is gone through once.
const userinfo = /(?<=[a-z0-9+.-]:\/\/)[^/\s:@]*:[^/\s@]*@/gi
const bearer = /\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]{8,}/g
const query =
  /([?&](?:access_token|token|sig|signature|password|X-Amz-Signature|X-Amz-Credential)=)[^&\s"]+/gi

/** `text` with credentials in URLs, authorization headers and signed queries replaced by `xxxxx`. */
export function redact(text: string): string {
  return text.replace(userinfo, 'xxxxx:xxxxx@').replace(bearer, '$1 xxxxx').replace(query, '$1xxxxx')
}
