/** A URL for messages: no credentials, and query values (signatures, states) hidden except `ns`. */
export function redactUrl(url: URL): string {
  const shown = new URL(url)
  shown.username = ''
  shown.password = ''
  shown.hash = ''
  for (const [key, value] of [...shown.searchParams]) {
    if (key !== 'ns' && value !== '') shown.searchParams.set(key, 'REDACTED')
  }
  return shown.href
}
