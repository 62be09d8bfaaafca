import { collect } from '../../../bytes/collect.ts'
import { parseJson, readInteger, readList, readObject, readText } from '../../../oci/json-reader.ts'
import type { CloudAccess } from '../service/cloud-access.ts'
import { ServiceClient } from '../service/service-client.ts'

const perPage = 100
const what = 'list of caches'

/**
 * Keys of a repository's entries that begin with `prefix`, in one branch.
 * API: https://docs.github.com/en/rest/actions/cache
 */
export async function listKeys(
  where: {
    readonly repository: string
    readonly token: string
    readonly branch: string
    readonly prefix: string
  },
  access: CloudAccess,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const api = access.env['GITHUB_API_URL'] || 'https://api.github.com'
  const client = new ServiceClient(access)
  const keys: string[] = []
  for (let page = 1; ; page++) {
    const url = new URL(`${api.replace(/\/+$/, '')}/repos/${where.repository}/actions/caches`)
    const query = { per_page: String(perPage), page: String(page), key: where.prefix, ref: where.branch }
    url.search = new URLSearchParams(query).toString()
    const response = await client.call({
      method: 'GET',
      url,
      headers: { accept: 'application/vnd.github+json', 'x-github-api-version': '2022-11-28' },
      authorize: () => ({ authorization: `Bearer ${where.token}` }),
      signal,
    })
    const bytes = await collect(response.body, { limit: 4 * 1024 * 1024 })
    const object = readObject(parseJson(bytes, what), what)
    for (const one of readList(object, 'actions_caches', what, perPage) ?? []) {
      const key = readText(readObject(one, what), 'key', what)
      if (key !== undefined) keys.push(key)
    }
    if ((readInteger(object, 'total_count', what) ?? 0) <= page * perPage) return keys
  }
}
