/** Query values that are no secrets: whom a mirror stands for, and which blob is spoken of. */
const open = ['ns', 'digest', 'mount', 'from']

/** A URL for messages: no credentials, and query values (signatures, states) hidden. */
export function redactUrl(url: URL): string {
  const shown = new URL(url)
  shown.username = ''
  shown.password = ''
  shown.hash = ''
  for (const [key, value] of [...shown.searchParams]) {
    if (!open.includes(key) && value !== '') shown.searchParams.set(key, 'REDACTED')
  }
  return shown.href
}
