import type { FlagType } from './flag-type.ts'

/** How a flag is declared, besides its name and type. */
export interface FlagOptions<T> {
  /** One ASCII letter. */
  readonly shorthand?: string
  /** The description in the help; a word in back quotes names the value. */
  readonly usage: string
  /** Value while the flag is not given. @default the zero value of the type */
  readonly initial?: T
  /** Text used when the flag stands without a value; makes the value optional (`--flag` or `--flag=x`). */
  readonly noOptDefault?: string
  /** Warn with this when it is used; such a flag is hidden. */
  readonly deprecated?: string
  /** Warn with this when the shorthand is used; the shorthand is not shown. */
  readonly shorthandDeprecated?: string
  readonly hidden?: boolean
  /** The type as the help shows it, in place of the type's own name. */
  readonly typeName?: string
}

/** A flag with its present value, as pflag's `Flag`. `set` throws what the type throws. */
export class Flag<T = unknown> {
  readonly name: string
  readonly shorthand: string
  readonly usage: string
  readonly typeName: string
  readonly defaultText: string
  readonly noOptDefault: string
  readonly deprecated: string
  readonly shorthandDeprecated: string
  readonly hidden: boolean
  readonly hasZeroDefault: boolean
  readonly #type: FlagType<T>
  #value: T
  #changed = false

  constructor(name: string, type: FlagType<T>, options: FlagOptions<T>) {
    this.name = name
    this.shorthand = options.shorthand ?? ''
    this.usage = options.usage
    this.typeName = options.typeName ?? type.name
    this.#type = type
    this.#value = options.initial ?? type.zero
    this.defaultText = type.format(this.#value)
    this.hasZeroDefault = type.zeroTexts.includes(this.defaultText)
    this.noOptDefault = options.noOptDefault ?? type.noOptDefault ?? ''
    this.deprecated = options.deprecated ?? ''
    this.shorthandDeprecated = options.shorthandDeprecated ?? ''
    this.hidden = options.hidden === true || this.deprecated !== ''
  }

  /** The value given last, or the initial one. */
  get value(): T {
    return this.#value
  }

  /** Whether the flag was given. */
  get changed(): boolean {
    return this.#changed
  }

  /** Takes a value in text form. Lists grow, except that the first use replaces the initial value. */
  set(text: string): void {
    this.#value = this.#type.parse(text, this.#value, this.#changed)
    this.#changed = true
  }
}
