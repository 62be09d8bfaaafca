import { faultOf } from '../service/service-error.ts'

/** Whether the service refused an entry because there is one of that key. */
export function isAlreadyThere(error: unknown): boolean {
  const fault = faultOf(error)
  if (fault === undefined) return false
  return /AlreadyExists|already_exists/.test(fault.code) || /already exists/i.test(fault.message)
}
