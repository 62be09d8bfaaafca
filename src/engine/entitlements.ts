import { SlipwayError } from '../errors/slipway-error.ts'
import { csvFields } from '../gostd/csv.ts'
import { quote } from '../gostd/quote.ts'
import { NetMode, type Op, SecurityMode } from '../proto/gen/ops_pb.ts'

const known = ['network.host', 'security.insecure', 'device'] as const

/** Devices that a build was given: all, or some by the name it uses, with the name behind where that is an alias. */
export type GrantedDevices = 'all' | ReadonlyMap<string, string>

/** The privileges of one build. */
export interface Entitlements {
  readonly names: ReadonlySet<string>
  /** Undefined: none but those that are for everybody. */
  readonly devices: GrantedDevices | undefined
}

/**
 * The privileges a build has: those it asks for, which the daemon must allow (`allowed` undefined: all). Throws
 * `permission-denied`, `invalid-argument` in BuildKit's words.
 */
export function grantedEntitlements(
  asked: readonly string[],
  allowed: readonly string[] | undefined,
): Entitlements {
  const names = new Set<string>()
  let devices: GrantedDevices | undefined
  for (const text of asked) {
    const name = nameOf(text)
    if (!known.some(one => one === name))
      throw new SlipwayError('invalid-argument', `unknown entitlement ${text}`)
    if (allowed !== undefined && !allowed.some(one => nameOf(one) === name)) {
      throw new SlipwayError(
        'permission-denied',
        `granting entitlement ${name} is not allowed by build daemon configuration`,
      )
    }
    names.add(name)
    if (name === 'device') devices = merged(devices, grantedDevice(text.slice('device='.length)))
  }
  return { names, devices }
}

/** Only devices have more than a name. */
const nameOf = (text: string): string => (text.startsWith('device=') ? 'device' : text)

/** What stands behind `device=`: a name with an alias perhaps, or nothing. */
function grantedDevice(text: string): GrantedDevices {
  if (text === '') return 'all'
  const [name = '', ...fields] = csvFields(text)
  let alias = ''
  for (const field of fields) {
    const [key, value] = field.split(/=(.*)/s)
    if (value === undefined)
      throw new SlipwayError('invalid-argument', `invalid device config ${quote(field)}`)
    if (key !== 'alias')
      throw new SlipwayError('invalid-argument', `unknown device config key ${quote(key ?? '')}`)
    alias = value
  }
  return new Map([alias === '' ? [name, ''] : [alias, name]])
}

const merged = (a: GrantedDevices | undefined, b: GrantedDevices): GrantedDevices =>
  a === 'all' || b === 'all' ? 'all' : new Map([...(a ?? []), ...b])

/** Refuses an operation that needs a privilege which the build does not have. Devices are looked at elsewhere. */
export function checkEntitlements(op: Op, granted: Entitlements): void {
  if (op.op.case !== 'exec') return
  const { network, security } = op.op.value
  const need = (name: string): void => {
    if (!granted.names.has(name))
      throw new SlipwayError('permission-denied', `${name} is not allowed`, {
        hint: `grant it with --allow ${name}`,
      })
  }
  if (security !== SecurityMode.SANDBOX && security !== SecurityMode.INSECURE)
    throw new SlipwayError('invalid-argument', `invalid security mode ${Number(security)}`)
  if (network === NetMode.HOST) need('network.host')
  if (security === SecurityMode.INSECURE) need('security.insecure')
}
