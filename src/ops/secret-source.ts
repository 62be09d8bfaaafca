import type { OpContext } from '../solver/op.ts'

/** Where steps get what must not be kept: secrets and agents of the clients whose builds wait for the step. */
export interface SecretSource {
  /** The secret's bytes, or undefined where no client has it. */
  get(id: string, ctx: OpContext): Promise<Uint8Array | undefined>
  /**
   * A unix socket at which a client's SSH agent answers, until disposed; undefined where no client forwards `id`.
   * The socket is owned by `uid`:`gid` and has permission bits `mode`.
   */
  sshAgent(
    id: string,
    owner: { readonly uid: number; readonly gid: number; readonly mode: number },
    ctx: OpContext,
  ): Promise<({ readonly path: string } & AsyncDisposable) | undefined>
}
