/** Finds the objects and arrays in indented JSON, so that each can be folded to one line. Pure. */

export interface FoldLine {
  /** The line without a line break. */
  readonly text: string;
  /** The index of the line that closes the object or array that this line opens; null if it opens none. */
  readonly end: number | null;
  /** The number of members or elements of that object or array. */
  readonly count: number;
  /** The number of objects and arrays that contain the line. */
  readonly depth: number;
}

/**
 * Splits indented JSON into lines. A line opens an object or array if it ends with a bracket, because a text never
 * continues on the next line.
 */
export function foldLines(indented: string): readonly FoldLine[] {
  const lines = indented.split("\n").map((text) => ({ text, end: null as number | null, count: 0, depth: 0 }));
  const open: number[] = [];
  for (const [at, line] of lines.entries()) {
    const first = line.text.trimStart()[0];
    const closes = first === "}" || first === "]";
    const opener = lines[open.at(-1) ?? -1];
    if (closes && opener !== undefined) {
      opener.end = at;
      open.pop();
    } else if (opener !== undefined) opener.count += 1;
    line.depth = open.length;
    if (/[[{]$/.test(line.text)) open.push(at);
  }
  return lines;
}

/** Returns the indexes of the visible lines. `closed` has the indexes of the lines whose objects are folded. */
export function visibleLines(lines: readonly FoldLine[], closed: ReadonlySet<number>): readonly number[] {
  const visible: number[] = [];
  for (let at = 0; at < lines.length; at++) {
    visible.push(at);
    const end = lines[at]?.end ?? null;
    if (end !== null && closed.has(at)) at = end;
  }
  return visible;
}

/**
 * Returns the indexes of the lines that are folded at first: none in a short text. In a long text, all objects and
 * arrays within the outermost one, so that its members can be seen at once.
 * @param long the number of lines from which on a text is long
 */
export function firstClosed(lines: readonly FoldLine[], long: number): ReadonlySet<number> {
  if (lines.length < long) return new Set();
  return new Set(lines.flatMap(({ end, depth }, at) => (end !== null && depth > 0 ? [at] : [])));
}
