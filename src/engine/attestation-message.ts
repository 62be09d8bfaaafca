import type { MessageInitShape } from '@bufbuild/protobuf'
import {
  AttestationKind,
  type Attestations,
  type AttestationsSchema,
  InTotoSubjectKind,
} from '../proto/gen/gateway_pb.ts'
import type { Definition } from '../proto/gen/ops_pb.ts'
import type { BridgeAttestation, BridgeRef } from './bridge-ref.ts'

type Message = MessageInitShape<typeof AttestationsSchema>

/** Attestations as a client of the bridge sees them; `remember` makes their trees known to it. */
export function attestationMessages(
  attestations: ReadonlyMap<string, readonly BridgeAttestation[]>,
  remember: (ref: BridgeRef) => { id: string; def: Definition },
): Record<string, Message> {
  const messages = [...attestations].map(([platform, list]): [string, Message] => [
    platform,
    {
      attestation: list.map(one => ({
        kind: one.kind === 'bundle' ? AttestationKind.Bundle : AttestationKind.InToto,
        metadata: Object.fromEntries(one.metadata),
        ...(one.ref === undefined ? {} : { ref: remember(one.ref) }),
        path: one.path,
        inTotoPredicateType: one.predicateType,
        inTotoSubjects: one.subjects.map(({ kind, name, digests }) => ({
          kind: kind === 'raw' ? InTotoSubjectKind.Raw : InTotoSubjectKind.Self,
          name,
          digest: [...digests],
        })),
      })),
    },
  ])
  return Object.fromEntries(messages)
}

/** Attestations that a client returns. Throws `not-found` for trees it does not have. */
export function readAttestations(
  messages: Readonly<Record<string, Attestations>>,
  refOf: (id: string) => BridgeRef | undefined,
): Map<string, readonly BridgeAttestation[]> {
  const read = Object.entries(messages).map(([platform, { attestation }]) => {
    const list = attestation.map(
      (one): BridgeAttestation => ({
        kind: one.kind === AttestationKind.Bundle ? 'bundle' : 'in-toto',
        ref: refOf(one.ref?.id ?? ''),
        path: one.path,
        metadata: new Map(Object.entries(one.metadata)),
        predicateType: one.inTotoPredicateType,
        subjects: one.inTotoSubjects.map(({ kind, name, digest }) => ({
          kind: kind === InTotoSubjectKind.Raw ? 'raw' : 'self',
          name,
          digests: digest,
        })),
      }),
    )
    return [platform, list] as const
  })
  return new Map(read)
}
