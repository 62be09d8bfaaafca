type Init = Iterable<readonly [string, string]> | Readonly<Record<string, string>>

const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
// oxlint-disable-next-line no-control-regex -- these are the characters that a value cannot have
const forbidden = /[\0\r\n]|[^\0-\xff]/
const cookie = 'set-cookie'

/**
 * `Headers` of the Fetch standard, without the HTTP client that Node's own one brings along: loading that takes a tenth of
 * a build that finds everything in its cache, and a call in memory needs nothing of it. Names and values are refused as
 * there (`TypeError`); iteration is in order of the names. Source: https://fetch.spec.whatwg.org/#headers-class
 */
export class PlainHeaders {
  readonly #values = new Map<string, string[]>()

  constructor(init?: Init) {
    if (init === undefined) return
    const pairs =
      Symbol.iterator in init ? (init as Iterable<readonly [string, string]>) : Object.entries(init)
    for (const [name, value] of pairs) this.append(name, value)
  }

  append(name: string, value: string): void {
    const key = nameOf(name)
    const list = this.#values.get(key)
    if (list === undefined) this.#values.set(key, [valueOf(value)])
    else list.push(valueOf(value))
  }

  set(name: string, value: string): void {
    this.#values.set(nameOf(name), [valueOf(value)])
  }

  delete(name: string): void {
    this.#values.delete(nameOf(name))
  }

  get(name: string): string | null {
    return this.#values.get(nameOf(name))?.join(', ') ?? null
  }

  has(name: string): boolean {
    return this.#values.has(nameOf(name))
  }

  getSetCookie(): string[] {
    return [...(this.#values.get(cookie) ?? [])]
  }

  forEach(callback: (value: string, name: string, headers: PlainHeaders) => void, self?: unknown): void {
    for (const [name, value] of this) callback.call(self, value, name, this)
  }

  *[Symbol.iterator](): Generator<[string, string], undefined> {
    for (const name of [...this.#values.keys()].sort()) {
      const list = this.#values.get(name) ?? []
      if (name === cookie) for (const value of list) yield [name, value]
      else yield [name, list.join(', ')]
    }
  }

  entries(): Generator<[string, string], undefined> {
    return this[Symbol.iterator]()
  }

  *keys(): Generator<string, undefined> {
    for (const [name] of this) yield name
  }

  *values(): Generator<string, undefined> {
    for (const [, value] of this) yield value
  }

  get [Symbol.toStringTag](): string {
    return 'Headers'
  }
}

/** Makes it the `Headers` of this process; to be called before anything has asked for Node's own. */
export function usePlainHeaders(): void {
  // Node's property is a getter that loads the client even when it is only defined anew.
  Reflect.deleteProperty(globalThis, 'Headers')
  Reflect.set(globalThis, 'Headers', PlainHeaders)
}

function nameOf(name: string): string {
  if (!token.test(name)) throw new TypeError(`${name} is not a legal HTTP header name`)
  return name.toLowerCase()
}

function valueOf(value: string): string {
  const text = String(value).replace(/^[\t\n\r ]+|[\t\n\r ]+$/g, '')
  if (forbidden.test(text)) throw new TypeError('this is not a legal HTTP header value')
  return text
}
