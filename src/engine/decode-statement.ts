import { SlipwayError, wrapError } from '../errors/slipway-error.ts'
import type { AttestationSubject } from '../exporter/export-source.ts'
import type { JsonValue } from '../gostd/json.ts'
import { decodeJson, type JsonNode } from '../gostd/parse-json.ts'
import { eachField, type JsonPlace, list, mismatch, string, unmarshal } from '../gostd/unmarshal.ts'

/** A statement as a scanner writes it. */
export interface DecodedStatement {
  readonly predicateType: string
  readonly subjects: readonly AttestationSubject[]
  readonly predicate: JsonValue
}

/**
 * Reads a statement. Throws `invalid-argument` in BuildKit's words: `cannot decode in-toto statement: …`.
 * Source: https://github.com/moby/buildkit/blob/v0.32.2/exporter/attestation/unbundle.go
 */
export function decodeStatement(bytes: Uint8Array): DecodedStatement {
  const text = Buffer.from(bytes).toString('utf8')
  const { statement, rest } = decoding(() => {
    const { node, rest: after } = decodeJson(text)
    return { statement: unmarshal(node, statementOf), rest: after }
  })
  if (rest.trim() !== '')
    throw new SlipwayError('invalid-argument', 'in-toto statement is not a single JSON object')
  return statement
}

function decoding<T>(work: () => T): T {
  try {
    return work()
  } catch (e) {
    throw wrapError('cannot decode in-toto statement', e)
  }
}

function statementOf(place: JsonPlace): DecodedStatement {
  let predicateType = ''
  let subjects: AttestationSubject[] = []
  let predicate: JsonValue = null
  const names = { owner: 'Statement', type: 'in_toto.Statement' }
  const header = { ...names, embedded: 'StatementHeader' }
  eachField(place, header, {
    _type: string,
    predicateType: at => (predicateType = string(at) ?? predicateType),
    subject: at => (subjects = list(at, '[]in_toto.Subject', subjectOf)),
  })
  if (place.node.kind === 'object') eachField(place, names, { predicate: at => (predicate = plain(at.node)) })
  return { predicateType, subjects, predicate }
}

function subjectOf(place: JsonPlace): AttestationSubject {
  let name = ''
  const digests: string[] = []
  eachField(
    place,
    { owner: 'Subject', type: 'in_toto.Subject' },
    {
      name: at => (name = string(at) ?? name),
      digest: at => {
        if (at.node.kind !== 'object') return mismatch(at, 'common.DigestSet')
        for (const [algorithm, node] of at.node.members) {
          digests.push(`${algorithm}:${string({ ...at, node }) ?? ''}`)
        }
      },
    },
  )
  return { kind: 'raw', name, digests }
}

/** Numbers become what a float64 holds, as in Go; the last of members with one name counts. */
function plain(node: JsonNode): JsonValue {
  switch (node.kind) {
    case 'string':
      return node.text
    case 'array':
      return node.items.map(plain)
    case 'object':
      return new Map(node.members.map(([key, one]) => [key, plain(one)]))
    default:
      return JSON.parse(node.raw) as null | boolean | number
  }
}
