/** What a build of a hostile image came to: the files of the result, or the error. */
export type Outcome = { readonly tree: readonly string[] } | { readonly error: string; readonly code: number }

/** The comparable part of a build's end. `host` is left out of messages, and so are paths that differ from run to run. */
export async function outcomeOf(
  result: { readonly code: number; readonly stderr: string },
  host: string,
  tree: () => Promise<string[]>,
): Promise<Outcome> {
  if (result.code === 0) return { tree: await tree() }
  const at = result.stderr.lastIndexOf('\nERROR: ')
  const error = at < 0 ? result.stderr.slice(-300) : result.stderr.slice(at + 8)
  const line = error.split('\n').find(text => text !== '') ?? ''
  return { error: line.replaceAll(host, 'HOST'), code: result.code }
}
