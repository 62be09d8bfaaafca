/** A place in a template: line counts from 1, column counts bytes from 0 as Go's messages do. */
export interface Place {
  readonly line: number
  readonly column: number
}

/** One operand of a command. `source` is its text, for messages. */
export type Operand = Place & { readonly source: string } & (
    | { readonly kind: 'dot' }
    | { readonly kind: 'nil' }
    | { readonly kind: 'literal'; readonly value: string | number | bigint | boolean }
    | { readonly kind: 'variable'; readonly name: string; readonly fields: readonly string[] }
    | { readonly kind: 'field'; readonly fields: readonly string[] }
    | { readonly kind: 'function'; readonly name: string }
    | { readonly kind: 'pipe'; readonly pipe: Pipe }
    | { readonly kind: 'chain'; readonly head: Operand; readonly fields: readonly string[] }
  )

/** A function, method or value with its arguments. */
export interface Command {
  readonly args: readonly Operand[]
}

/** Commands joined by `|`, the result perhaps declared (`:=`) or assigned (`=`) to variables. */
export interface Pipe extends Place {
  readonly variables: readonly string[]
  readonly assign: boolean
  readonly commands: readonly Command[]
}

/** A piece of a template. */
export type TemplateNode =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'action'; readonly pipe: Pipe }
  | {
      readonly kind: 'if' | 'with' | 'range'
      readonly pipe: Pipe
      readonly body: readonly TemplateNode[]
      readonly otherwise: readonly TemplateNode[]
    }
  | {
      readonly kind: 'template'
      readonly name: string
      readonly pipe: Pipe | undefined
      readonly place: Place
    }
  | { readonly kind: 'break' | 'continue' }

/** A parsed template with the ones it defines; its own body stands under its own name. */
export interface Template {
  readonly name: string
  readonly definitions: ReadonlyMap<string, readonly TemplateNode[]>
}
