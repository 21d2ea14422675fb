/** Reads parsed JSON of unknown shape, such as the answer of a server with another version. Pure. */

/** An object in parsed JSON. */
export type Item = Readonly<Record<string, unknown>>;

export function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

export function itemOf(value: unknown): Item {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Item) : {};
}

/** Returns the strings in an array. */
export function textsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((one): one is string => typeof one === "string") : [];
}

/** Returns the objects in an array. The array is the answer itself, or its member with the given name. */
export function itemsOf(answer: unknown, member?: string): readonly Item[] {
  const list = member === undefined ? answer : itemOf(answer)[member];
  return Array.isArray(list) ? list.filter((one): one is Item => typeof one === "object" && one !== null) : [];
}
