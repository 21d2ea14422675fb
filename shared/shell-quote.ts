/** Writes texts as words of a shell command. Pure. */

/** Returns a text as one word of a POSIX shell. */
export function shellQuote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
