/**
 * A text as one word of the command line that `ssh` hands to the shell of a far machine: in single quotes where the shell
 * would read anything else in it. Source: https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html#tag_19_02
 */
export function shellWord(text: string): string {
  return /^[A-Za-z0-9_.,:=/@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}
