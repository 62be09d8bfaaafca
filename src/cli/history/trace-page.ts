interface PageSpan {
  readonly operationName: string
  readonly startTime: number
  readonly duration: number
  readonly tags: readonly { readonly key: string; readonly value: unknown }[]
}

/** A trace as the page draws it: a title, and its spans (times in microseconds). */
export interface PageTrace {
  readonly title: string
  readonly spans: readonly PageSpan[]
}

const escapeHtml = (text: string): string =>
  text.replace(/[&<>"]/g, char => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[char] ?? char)

/** A page with a bar for each step of the builds, on one scale, so that two can be compared. No script, nothing from elsewhere. */
export function tracePage(traces: readonly PageTrace[]): string {
  const longest = Math.max(1, ...traces.map(trace => end(trace) - begin(trace)))
  const style = `body{font:14px system-ui;margin:2em}table{border-collapse:collapse;width:100%}td{padding:2px 8px}
td:first-child{width:45%}td:nth-child(2){text-align:right;white-space:nowrap}.bar{background:#3b82f6;height:12px;min-width:1px}
.cached{background:#a3a3a3}.error{background:#dc2626}`
  const sections = traces.map(trace => {
    const rows = trace.spans
      .toSorted((a, b) => a.startTime - b.startTime)
      .map(span => row(span, begin(trace), longest))
    return `<h2>${escapeHtml(trace.title)}</h2><table>${rows.join('')}</table>`
  })
  return `<!doctype html><meta charset="utf-8"><title>Build trace</title><style>${style}</style>${sections.join('')}`
}

const begin = ({ spans }: PageTrace): number => Math.min(...spans.map(span => span.startTime))
const end = ({ spans }: PageTrace): number => Math.max(...spans.map(span => span.startTime + span.duration))

function row(span: PageSpan, from: number, longest: number): string {
  const has = (key: string): boolean => span.tags.some(tag => tag.key === key)
  const kind = has('error') ? ' error' : has('cached') ? ' cached' : ''
  const percent = (value: number): string => `${((value / longest) * 100).toFixed(3)}%`
  const place = `margin-left:${percent(span.startTime - from)};width:${percent(span.duration)}`
  const seconds = `${(span.duration / 1e6).toFixed(2)}s`
  return `<tr><td>${escapeHtml(span.operationName)}</td><td>${seconds}</td><td><div class="bar${kind}" style="${place}"></div></td></tr>`
}
