/** Variables of a state. Immutable: each change is a new list that shares the old one. */
export class EnvList {
  readonly #parent: EnvList | undefined
  readonly #name: string
  readonly #value: string | undefined
  #values: ReadonlyMap<string, string> | undefined

  private constructor(parent?: EnvList, name = '', value?: string) {
    this.#parent = parent
    this.#name = name
    this.#value = value
  }

  /** The list without variables. */
  static readonly empty: EnvList = new EnvList()

  /** With a variable set; it moves to the end. */
  set(name: string, value: string): EnvList {
    return new EnvList(this, name, value)
  }

  /** Without a variable. */
  delete(name: string): EnvList {
    return new EnvList(this, name, undefined)
  }

  get(name: string): string | undefined {
    if (this.#values !== undefined) return this.#values.get(name)
    if (this.#parent !== undefined && this.#name === name) return this.#value
    for (let list = this.#parent; list !== undefined; list = list.#parent) {
      if (list.#values !== undefined) return list.#values.get(name)
      if (list.#name === name) return list.#value
    }
    return undefined
  }

  /** Names in the order in which they were last set. */
  keys(): readonly string[] {
    return [...this.#all().keys()]
  }

  /** `NAME=value` entries, in that order. */
  entries(): string[] {
    return Array.from(this.#all(), ([name, value]) => `${name}=${value}`)
  }

  #all(): ReadonlyMap<string, string> {
    if (this.#values !== undefined) return this.#values
    const seen = new Map([[this.#name, this.#value]])
    for (let list = this.#parent; list !== undefined; list = list.#parent) {
      if (!seen.has(list.#name)) seen.set(list.#name, list.#value)
    }
    const values = new Map<string, string>()
    for (const [name, value] of [...seen].reverse()) if (value !== undefined) values.set(name, value)
    this.#values = values
    return values
  }
}
