/**
 * Hides user and password of a URL, as `xxxxx`; other texts stay as they are, images by digest (`oci-layout://name@sha256:…`)
 * among them. Source: https://github.com/moby/buildkit/blob/v0.32.2/util/urlutil/redact.go
 */
export function redactUrl(text: string): string {
  const match = /^([a-zA-Z][a-zA-Z0-9+.-]*:)?\/\/([^/?#]*)@([^/?#]*)/.exec(text)
  if (match === null) return text
  const [, scheme = '', userInfo = '', host = ''] = match
  // What is behind the last colon of a host is a port.
  if (!/^(?:\[[^\]]*\]|[^:]*)(?::\d*)?$/.test(host)) return text
  const [user, password] = splitOnce(userInfo)
  const hidden = `${user === '' ? '' : 'xxxxx'}${password === undefined ? '' : ':xxxxx'}`
  return `${scheme}//${hidden}@${text.slice(scheme.length + '//@'.length + userInfo.length)}`
}

function splitOnce(text: string): [string, string?] {
  const at = text.indexOf(':')
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)]
}
