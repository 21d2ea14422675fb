/** Builds the JSON texts of requests. Pure; runs in the CLI process. */

/** Builds a JSON object from its members. Each value is a JSON text; a member whose value is undefined is left out. */
export function objectOf(members: Readonly<Record<string, string | undefined>>): string {
  const pairs = Object.entries(members).flatMap(([name, text]) =>
    text === undefined ? [] : [`${JSON.stringify(name)}:${text}`],
  );
  return `{${pairs.join(",")}}`;
}

/** Quotes a text as a JSON string; undefined stays undefined. */
export function quoted(text: string | undefined): string | undefined {
  return text === undefined ? undefined : JSON.stringify(text);
}
