import type { BridgeApi, EngineApi } from '../../engine/engine-api.ts'
import { SlipwayError } from '../../errors/slipway-error.ts'

function notHere(method: string): () => never {
  return () => {
    throw new SlipwayError('unimplemented', `${method} is not part of this engine`)
  }
}

/** For tests: an engine whose every method answers `unimplemented`, but for those given. */
export function fakeEngine(
  control: Partial<EngineApi['control']> = {},
  bridges: Readonly<Record<string, Partial<BridgeApi>>> = {},
  rest: Pick<EngineApi, 'content' | 'traces'> = {},
): EngineApi {
  const fill = <Api extends object>(given: Partial<Api>): Api =>
    new Proxy(given, {
      get: (target, name) =>
        name === 'then' ? undefined : (Reflect.get(target, name) ?? notHere(String(name))),
    }) as Api
  return {
    ...rest,
    control: fill<EngineApi['control']>(control),
    async bridge(ref) {
      const bridge = bridges[ref]
      if (bridge === undefined) throw new SlipwayError('not-found', `no such job ${ref}`)
      return fill<BridgeApi>(bridge)
    },
  }
}
