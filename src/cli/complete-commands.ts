/** The hidden commands by which shells ask how a line may go on; the second leaves descriptions out. */
export const completeCommands: readonly string[] = ['__complete', '__completeNoDesc']
