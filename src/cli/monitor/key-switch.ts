const controlA = 1
const letterC = 0x63

/** Keys of one chunk, up to where the user wants to look elsewhere. */
export interface KeyPart {
  readonly keys: Uint8Array
  /** Ctrl-a-c ended it. */
  readonly switches: boolean
}

/** Finds Ctrl-a-c in what is typed. Ctrl-a itself goes to nobody. */
export class KeySwitch {
  #afterControlA = false

  /** The parts of a chunk, in order. */
  split(chunk: Uint8Array): readonly KeyPart[] {
    const parts: KeyPart[] = []
    let keys: number[] = []
    for (const key of chunk) {
      const switches = this.#afterControlA && key === letterC
      this.#afterControlA = key === controlA
      if (switches) {
        parts.push({ keys: Uint8Array.from(keys), switches })
        keys = []
      } else if (key !== controlA) keys.push(key)
    }
    if (keys.length > 0) parts.push({ keys: Uint8Array.from(keys), switches: false })
    return parts
  }
}
