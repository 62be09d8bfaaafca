import { SlipwayError } from '../../errors/slipway-error.ts'
import { Secrets } from '../../proto/gen/secrets_pb.ts'
import type { Attachable } from '../attachable.ts'

/** Largest secret, in bytes. */
export const maxSecretBytes = 500 * 1024

/** The value of a secret when a build asks for it, or undefined where there is no such secret. */
export type SecretSource = (id: string, signal: AbortSignal) => Promise<Uint8Array | undefined>

/** Offers secrets. Nothing is kept here: the source is asked each time. */
export function secrets(source: SecretSource): Attachable {
  return {
    routes: router =>
      router.service(Secrets, {
        async getSecret(request, context) {
          const data = await source(request.ID, context.signal)
          if (data === undefined) throw new SlipwayError('not-found', 'not found')
          if (data.length > maxSecretBytes) {
            throw new SlipwayError('unknown', `invalid secret size ${data.length}`)
          }
          return { data }
        },
      }),
  }
}
