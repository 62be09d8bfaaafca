const entities: Readonly<Record<string, string>> = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' }

/**
 * The text of the first element of that name, for the flat answers of object stores; undefined where there is none.
 * Names are compared without a namespace's prefix, attributes are skipped.
 */
export function xmlText(document: string, name: string): string | undefined {
  const found = new RegExp(`<(?:[\\w-]+:)?${name}(?:\\s[^>]*)?>([^<]*)<`).exec(document)
  return found?.[1]?.replace(/&(?:#(\d+)|#x([0-9a-fA-F]+)|(\w+));/g, unescape)
}

function unescape(whole: string, decimal?: string, hex?: string, name?: string): string {
  const code = decimal === undefined ? (hex === undefined ? undefined : Number.parseInt(hex, 16)) : +decimal
  if (code !== undefined) return code <= 0x10ffff ? String.fromCodePoint(code) : whole
  return (name === undefined ? undefined : entities[name]) ?? whole
}

/** Text as it may stand in an element. */
export function xmlEscape(text: string): string {
  return text.replace(/[<>&"']/g, char => `&#${char.charCodeAt(0)};`)
}
