import type { JsonValue } from '../gostd/json.ts'
import type { Attestation } from './export-source.ts'

/** Something that is exported, by name and digests (`{ sha256: 'hex' }`). */
export interface StatementSubject {
  readonly name: string
  readonly digest: Readonly<Record<string, string>>
}

/**
 * An attestation as an in-toto statement about what is exported, or about what it names itself. Form:
 * https://github.com/in-toto/attestation/blob/v1.1.2/spec/v1/statement.md
 */
export async function inTotoStatement(
  attestation: Attestation,
  exported: readonly StatementSubject[],
): Promise<JsonValue> {
  const { predicateType, subjects } = attestation
  const about = subjects.length === 0 ? [{ kind: 'self', name: '', digests: [] } as const] : subjects
  const bytes = await attestation.predicate()
  return {
    _type: 'https://in-toto.io/Statement/v1',
    predicateType,
    subject: about.flatMap((one): JsonValue[] => {
      if (one.kind === 'raw') return [{ name: one.name || '_', digest: digestSet(one.digests) }]
      return exported.flatMap(({ name, digest }) =>
        [name, ...(one.name === '' || one.name === '_' ? [] : [one.name])].map(text => ({
          name: text,
          digest: { ...digest },
        })),
      )
    }),
    predicate: bytes.length === 0 ? null : (JSON.parse(Buffer.from(bytes).toString('utf8')) as JsonValue),
  }
}

function digestSet(digests: readonly string[]): JsonValue {
  const entries = digests.map(digest => {
    const at = digest.indexOf(':')
    return [digest.slice(0, at), digest.slice(at + 1)] as const
  })
  return new Map(entries.toSorted(([a], [b]) => (a < b ? -1 : 1)))
}
