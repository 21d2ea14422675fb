/**
 * Writes values as JSON text of limited length, without recursion. `JSON.stringify` fails if a value is nested deeper
 * than the stack allows. An agent may store such a value, and a program that shows it must not crash. Pure.
 */

/** An array or object that is being written. `names` is null for an array. */
interface Frame {
  readonly value: Readonly<Record<string | number, unknown>>;
  readonly names: readonly string[] | null;
  readonly count: number;
  at: number;
}

class Preview {
  readonly #charactersMax: number;
  readonly #parts: string[] = [];
  readonly #open: Frame[] = [];
  #characters = 0;

  constructor(charactersMax: number) {
    this.#charactersMax = charactersMax;
  }

  /** Writes a scalar, or the beginning of an array or object. */
  begin(value: unknown): void {
    if (typeof value === "string") this.#write(JSON.stringify(value.slice(0, this.#charactersMax)));
    else if (typeof value !== "object" || value === null) this.#write(JSON.stringify(value) ?? "null");
    else {
      const names = Array.isArray(value) ? null : Object.keys(value);
      this.#write(names === null ? "[" : "{");
      const count = names?.length ?? (value as readonly unknown[]).length;
      this.#open.push({ value: value as Frame["value"], names, count, at: 0 });
    }
  }

  /**
   * Writes one more piece of the innermost open array or object: its next member, or its closing bracket. Returns false
   * if nothing is left to write.
   */
  step(): boolean {
    const frame = this.#open.at(-1);
    if (frame === undefined || this.#characters >= this.#charactersMax) return false;
    if (frame.at === frame.count) {
      this.#write(frame.names === null ? "]" : "}");
      this.#open.pop();
      return true;
    }
    const name = frame.names?.[frame.at] ?? frame.at;
    if (frame.at > 0) this.#write(",");
    if (frame.names !== null) this.#write(`${JSON.stringify(name)}:`);
    frame.at += 1;
    this.begin(frame.value[name]);
    return true;
  }

  text(): string {
    return this.#parts.join("").slice(0, this.#charactersMax);
  }

  #write(text: string): void {
    this.#parts.push(text);
    this.#characters += text.length;
  }
}

/**
 * Returns the JSON text of a value from `JSON.parse`. The text is truncated after `charactersMax` characters, and the
 * rest of the value is not visited.
 */
export function jsonPreview(value: unknown, charactersMax = Number.POSITIVE_INFINITY): string {
  const preview = new Preview(charactersMax);
  preview.begin(value);
  while (preview.step());
  return preview.text();
}
