import { collect } from '../../bytes/collect.ts'
import { SlipwayError } from '../../errors/slipway-error.ts'
import { parseJson, readObject, readTexts } from '../../oci/json-reader.ts'
import { pullScope } from '../auth/scope.ts'
import { retryTransfer } from '../http/retry-transfer.ts'
import type { HttpResponse } from '../http/transport.ts'
import { statusError } from '../registry-error.ts'
import { nextPage } from './next-page.ts'
import { accessTo, type RepositoryContext, upstream } from './repository-context.ts'

const maxPage = 4 * 1024 * 1024
const maxTags = 100_000

/** All tags of the repository, page by page. Source: OCI distribution-spec 1.1, "Listing Tags". */
export async function listTags(context: RepositoryContext, signal?: AbortSignal): Promise<readonly string[]> {
  const host = upstream(context)
  const ask = async (): Promise<readonly string[]> => {
    const found: string[] = []
    let page: URL | string | undefined = `${context.path}/tags/list`
    while (page !== undefined && found.length < maxTags) {
      const response: HttpResponse = await host.request({
        method: 'GET',
        path: page,
        scopes: [pullScope(context.path)],
        signal,
      })
      if (response.status === 404) {
        response.discard()
        throw new SlipwayError('not-found', `${context.domain}/${context.path}: not found`)
      }
      if (response.status !== 200) throw await statusError('GET', response)
      const bytes = await collect(response.body, { limit: maxPage, what: 'list of tags' })
      const next: readonly string[] =
        readTexts(readObject(parseJson(bytes, 'list of tags'), 'list of tags'), 'tags', 'list of tags') ?? []
      found.push(...next)
      page = next.length === 0 ? undefined : nextPage(response, host)
    }
    return found
  }
  return await accessTo('pull', () => retryTransfer(ask, context.retry, signal))
}
