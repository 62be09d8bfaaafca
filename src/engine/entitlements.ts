import { SlipwayError } from '../errors/slipway-error.ts'
import { NetMode, type Op, SecurityMode } from '../proto/gen/ops_pb.ts'

const known = ['network.host', 'security.insecure', 'device'] as const

/**
 * The privileges a build has: those it asks for, which the daemon must allow (`allowed` undefined: all). Throws
 * `permission-denied`, `invalid-argument` in BuildKit's words.
 */
export function grantedEntitlements(
  asked: readonly string[],
  allowed: readonly string[] | undefined,
): ReadonlySet<string> {
  const granted = new Set<string>()
  for (const text of asked) {
    const [name = ''] = text.split('=')
    if (!known.some(one => one === name))
      throw new SlipwayError('invalid-argument', `unknown entitlement ${text}`)
    if (allowed !== undefined && !allowed.some(one => one === name || one === text)) {
      throw new SlipwayError(
        'permission-denied',
        `granting entitlement ${name} is not allowed by build daemon configuration`,
      )
    }
    granted.add(name)
  }
  return granted
}

/** Refuses an operation that needs a privilege which the build does not have. */
export function checkEntitlements(op: Op, granted: ReadonlySet<string>): void {
  if (op.op.case !== 'exec') return
  const { network, security, cdiDevices } = op.op.value
  const need = (name: string): void => {
    if (!granted.has(name))
      throw new SlipwayError('permission-denied', `${name} is not allowed`, {
        hint: `grant it with --allow ${name}`,
      })
  }
  if (network === NetMode.HOST) need('network.host')
  if (security === SecurityMode.INSECURE) need('security.insecure')
  if (cdiDevices.length > 0) need('device')
}
