/** Attributes of a frontend, as the client sent them. */
export type Attributes = Readonly<Record<string, string>>

/** The value of an attribute; own members only. */
export function attribute(attributes: Attributes, name: string): string | undefined {
  return Object.hasOwn(attributes, name) ? attributes[name] : undefined
}

/** The attributes that start with `prefix`, by the rest of their names. */
export function attributesAfter(attributes: Attributes, prefix: string): Record<string, string> {
  const found = Object.entries(attributes).filter(([name]) => name.startsWith(prefix))
  return Object.fromEntries(found.map(([name, value]) => [name.slice(prefix.length), value]))
}
