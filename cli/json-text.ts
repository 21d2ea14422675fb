/** Builds the JSON texts of requests. Pure; runs in the CLI process. */

/** Builds a JSON object from its members, whose values are JSON texts. Leaves out members that are undefined. */
export function objectOf(members: Readonly<Record<string, string | undefined>>): string {
  const pairs = Object.entries(members).flatMap(([name, text]) =>
    text === undefined ? [] : [`${JSON.stringify(name)}:${text}`],
  );
  return `{${pairs.join(",")}}`;
}

/** Quotes a text as a JSON string. */
export function quoted(text: string | undefined): string | undefined {
  return text === undefined ? undefined : JSON.stringify(text);
}
