/** A table of a configuration document; one without keys where the value is none. */
export function tableOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : {}
}

/** A list of a configuration document; an empty one where the value is none. */
export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

/** A text that says something; undefined where the value is none. */
export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** The text of a text, number or truth; an empty one for everything else. */
export function shortText(value: unknown): string {
  return ['string', 'number', 'bigint', 'boolean'].includes(typeof value)
    ? `${value as string | number | bigint | boolean}`.trim()
    : ''
}
