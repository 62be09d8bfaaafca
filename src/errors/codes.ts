/**
 * The closed table of error codes: each has the gRPC code that carries it over the wire and the exit code of the
 * command line. gRPC numbers: https://github.com/grpc/grpc/blob/v1.71.0/doc/statuscodes.md; exit codes follow buildx
 * (Internal 100, ResourceExhausted 102, Canceled 130, everything else 1).
 */
export const codes = {
  canceled: { grpc: 1, exit: 130 },
  unknown: { grpc: 2, exit: 1 },
  'invalid-argument': { grpc: 3, exit: 1 },
  'deadline-exceeded': { grpc: 4, exit: 1 },
  'not-found': { grpc: 5, exit: 1 },
  'already-exists': { grpc: 6, exit: 1 },
  'permission-denied': { grpc: 7, exit: 1 },
  'resource-exhausted': { grpc: 8, exit: 102 },
  'failed-precondition': { grpc: 9, exit: 1 },
  aborted: { grpc: 10, exit: 1 },
  'out-of-range': { grpc: 11, exit: 1 },
  unimplemented: { grpc: 12, exit: 1 },
  internal: { grpc: 13, exit: 100 },
  unavailable: { grpc: 14, exit: 1 },
  'data-loss': { grpc: 15, exit: 1 },
  unauthenticated: { grpc: 16, exit: 1 },
} as const satisfies Record<string, { grpc: number; exit: number }>

/** A code of the table. */
export type ErrorCode = keyof typeof codes

/** The code that a gRPC status number stands for; `unknown` for numbers outside the table. */
export function codeFromGrpc(grpc: number): ErrorCode {
  for (const [code, row] of Object.entries(codes)) if (row.grpc === grpc) return code as ErrorCode
  return 'unknown'
}
