import { goJson } from '../../gostd/json.ts'
import { tabulate } from '../../gostd/tabwriter.ts'
import { type Request, requestJson, requests } from './request.ts'

/** The facts that answer `frontend.subrequests.describe`. */
export function describeRequests(): Record<string, string> {
  const listed: readonly Request[] = [requests.outline, requests.targets, requests.describe]
  const rows = listed.map(r => `${r.name.replace(/^frontend\./, '')}\t${r.version}\t${r.description}\n`)
  return {
    'result.json': goJson(listed.map(requestJson), { indent: '  ' }),
    'result.txt': tabulate(`NAME\tVERSION\tDESCRIPTION\n${rows.join('')}`),
    version: requests.describe.version,
  }
}
