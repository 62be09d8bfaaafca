import type { HclFunction } from '../function.ts'
import { boolType, numberType, stringType } from '../value/type.ts'
import { boolValue, stringValue } from '../value/value.ts'
import { define, type FunctionTable, number, text, textArgument } from './arguments.ts'
import { arithmeticFunctions } from './arithmetic.ts'
import { cidrFunctions } from './cidr.ts'
import { dateFunctions } from './date.ts'
import { encodingFunctions } from './encoding.ts'
import { evaluationFunctions } from './evaluation.ts'
import { formatFunctions } from './format.ts'
import { mappingFunctions } from './mapping.ts'
import { regexFunctions } from './regex.ts'
import { sequenceFunctions } from './sequence.ts'
import { setFunctions } from './sets.ts'
import { textFunctions } from './text.ts'
import { satisfies } from './version-constraint.ts'

/** What functions may learn about the world. */
export interface FunctionHost {
  /** The moment that `timestamp()` gives, ms since the epoch; one value for a whole run. */
  readonly now: number
  /** What `homedir()` gives. */
  readonly home: string
  /** That many random bytes, for `uuidv4`, `bcrypt`. */
  readonly random: (size: number) => Uint8Array
}

/** Buffers exist in the language as arguments of these two only; nothing makes one, so that every call is refused. */
const bytes = { name: 'buf', type: { kind: 'capsule', name: 'bytes' } } as const
const never = (): never => {
  throw new TypeError('no value is a buffer')
}

/** All functions of bake's HCL: go-cty's standard library, HashiCorp's additions and bake's own, by name. */
export function standardFunctions(host: FunctionHost): Map<string, HclFunction> {
  const own: FunctionTable = {
    byteslen: define([bytes], numberType, never),
    bytesslice: define([bytes, number('offset'), number('length')], bytes.type, never),
    homedir: define([], stringType, () => stringValue(host.home)),
    semvercmp: define([text('version'), text('contraint')], boolType, ([v, c]) =>
      boolValue(satisfies(textArgument(v), textArgument(c))),
    ),
  }
  const tables = [
    arithmeticFunctions,
    cidrFunctions,
    dateFunctions(host.now),
    encodingFunctions(host.random),
    evaluationFunctions,
    formatFunctions,
    mappingFunctions,
    regexFunctions,
    sequenceFunctions,
    setFunctions,
    textFunctions,
    own,
  ]
  return new Map(tables.flatMap(table => Object.entries(table)))
}
