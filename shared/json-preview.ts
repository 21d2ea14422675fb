/**
 * Writes values as JSON text without recursion, up to a length. `JSON.stringify` fails if a value is nested deeper than
 * the stack allows, and an agent may store such a value. Whoever shows values of others must not end with it. Pure.
 */

/** An array or object that is being written. `names` is null for an array. */
interface Frame {
  readonly value: Readonly<Record<string | number, unknown>>;
  readonly names: readonly string[] | null;
  readonly count: number;
  at: number;
}

/**
 * Returns the JSON text of a value that `JSON.parse` has made. A longer text is cut off, and what is cut off costs
 * nothing.
 */
export function jsonPreview(value: unknown, charactersMax = Number.POSITIVE_INFINITY): string {
  const parts: string[] = [];
  const open: Frame[] = [];
  let characters = 0;
  const write = (text: string): void => {
    parts.push(text);
    characters += text.length;
  };
  const begin = (one: unknown): void => {
    if (typeof one === "string") write(JSON.stringify(one.slice(0, charactersMax)));
    else if (typeof one !== "object" || one === null) write(JSON.stringify(one) ?? "null");
    else {
      const names = Array.isArray(one) ? null : Object.keys(one);
      write(names === null ? "[" : "{");
      const count = names?.length ?? (one as readonly unknown[]).length;
      open.push({ value: one as Frame["value"], names, count, at: 0 });
    }
  };
  begin(value);
  for (let frame = open.at(-1); frame !== undefined && characters < charactersMax; frame = open.at(-1)) {
    if (frame.at === frame.count) {
      write(frame.names === null ? "]" : "}");
      open.pop();
      continue;
    }
    const name = frame.names?.[frame.at] ?? frame.at;
    if (frame.at > 0) write(",");
    if (frame.names !== null) write(`${JSON.stringify(name)}:`);
    frame.at += 1;
    begin(frame.value[name]);
  }
  return parts.join("").slice(0, charactersMax);
}
