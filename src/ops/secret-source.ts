/** What is known of who asks. */
export interface SecretContext {
  readonly signal: AbortSignal
  /** Sessions of the clients that wait, the latest last. */
  sessions(): readonly string[]
}

/** Where steps get what must not be kept: secrets and agents of the clients whose builds wait for the step. */
export interface SecretSource {
  /** The secret's bytes, or undefined where no client has it. */
  get(id: string, ctx: SecretContext): Promise<Uint8Array | undefined>
  /**
   * A unix socket at which a client's SSH agent answers, until disposed; undefined where no client forwards any; throws
   * what the client says where it has no `id`.
   * The socket is owned by `uid`:`gid` and has permission bits `mode`.
   */
  sshAgent(
    id: string,
    owner: { readonly uid: number; readonly gid: number; readonly mode: number },
    ctx: SecretContext,
  ): Promise<({ readonly path: string } & AsyncDisposable) | undefined>
}
