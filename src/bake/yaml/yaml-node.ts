/** A node of a YAML document. Lines and columns count from 1; a tag is short (`!!int`), empty where none is written. */
export type YamlNode = ScalarNode | SequenceNode | MappingNode | AliasNode

interface Placed {
  readonly tag: string
  readonly line: number
  readonly column: number
}

/** A text, with or without quotes. */
export interface ScalarNode extends Placed {
  readonly kind: 'scalar'
  readonly value: string
  /** Neither in quotes nor a block: its value decides what it is. */
  readonly plain: boolean
}

/** A list. */
export interface SequenceNode extends Placed {
  readonly kind: 'sequence'
  readonly items: YamlNode[]
}

/** Keys and values. */
export interface MappingNode extends Placed {
  readonly kind: 'mapping'
  readonly pairs: (readonly [key: YamlNode, value: YamlNode])[]
}

/** The name of another node, which may be one that this one stands in. */
export interface AliasNode extends Placed {
  readonly kind: 'alias'
  readonly target: YamlNode
}
