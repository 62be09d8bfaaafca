const names = [
  'OK',
  'Canceled',
  'Unknown',
  'InvalidArgument',
  'DeadlineExceeded',
  'NotFound',
  'AlreadyExists',
  'PermissionDenied',
  'ResourceExhausted',
  'FailedPrecondition',
  'Aborted',
  'OutOfRange',
  'Unimplemented',
  'Internal',
  'Unavailable',
  'DataLoss',
  'Unauthenticated',
] as const

/** A gRPC status number as Go prints it, `Code(N)` where it has none. https://github.com/grpc/grpc-go/blob/v1.82.1/codes/code_string.go */
export function goCodeName(grpc: number): string {
  return names[grpc] ?? `Code(${grpc})`
}
