/**
 * Computes the differences between two JSON texts, as docs/http-api.md "Diffs" defines them. Values are compared by
 * their meaning, and quoted as they were written. The caller reads the versions, and handles versions that are not
 * JSON. Pure, runs in the pool.
 *
 * Differences are sorted by path, segment by segment. Array indexes are sorted as numbers. Member names are sorted by
 * code point, in their escaped form. If one array is longer, its last elements count as added or removed. The walk does
 * not recurse, and builds a path only for a difference. So a deep document costs no more than a long one.
 */
import { DIFF_BYTES_MAX } from "../../../schemas/limits/versioned.js";
import { utf8Length } from "../../../schemas/text.js";
import { jsonNumbersEqual } from "../../base/json-number.js";
import {
  ARRAY,
  END,
  ESCAPED_STRING,
  KIND,
  NEXT,
  NUMBER,
  OBJECT,
  ROW_CELLS,
  START,
  STRING,
  stringAt,
} from "../../base/json-tape.js";
import { type JsonNode } from "../../base/json-node.js";
import { toOneLine } from "../../../shared/json-text.js";
import { Failure } from "../../base/result.js";
import { IntStack } from "./int-stack.js";

/** The value in place of a row if one document does not have the member or element. */
const ABSENT = -1;

/**
 * The number of cells of a frame on the stack. Each container (array or object) that the walk has entered has one
 * frame. The frame of an array has the current row and the end row in each document, and the number of visited
 * elements.
 */
const FRAME_CELLS = 5;
const ARRAY_BEFORE = 0;
const ARRAY_BEFORE_END = 1;
const ARRAY_AFTER = 2;
const ARRAY_AFTER_END = 3;
const ARRAY_TAKEN = 4;
/**
 * The value of the first cell in the frame of an object. The other cells are the number of changed members that are not
 * visited yet, and the rows of the current member's name in the two documents.
 */
const IN_OBJECT = -2;
const OBJECT_LEFT = 1;
const OBJECT_BEFORE_NAME = 2;
const OBJECT_AFTER_NAME = 3;

interface ChangedMember {
  /** The member's name as a segment of a path. `~` and `/` are escaped. */
  readonly token: string;
  readonly before: number;
  readonly after: number;
}

function escapeToken(name: string): string {
  return /[~/]/.test(name) ? name.replaceAll("~", "~0").replaceAll("/", "~1") : name;
}

/**
 * Returns the rank of a UTF-16 unit in the order of code points. Surrogates rank after all other units, because they
 * encode code points above U+FFFF.
 */
function rankOfUnit(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit >= 0xe000 ? unit - 0x800 : unit + 0x2000;
}

function compareCodePoints(a: string, b: string): number {
  const shorter = Math.min(a.length, b.length);
  for (let at = 0; at < shorter; at++) {
    const difference = rankOfUnit(a.charCodeAt(at)) - rankOfUnit(b.charCodeAt(at));
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/** One of the two documents: its text, and the cells of its parsed rows (json-tape.ts). */
class Side {
  constructor(
    readonly text: string,
    readonly cells: Int32Array,
  ) {}

  kind(row: number): number {
    const kind = this.cells[row + KIND] as number;
    return kind === ESCAPED_STRING ? STRING : kind;
  }

  next(row: number): number {
    return this.cells[row + NEXT] as number;
  }

  source(row: number): string {
    return this.text.slice(this.cells[row + START], this.cells[row + END]);
  }

  string(row: number): string {
    return stringAt(this.text, this.cells, row);
  }

  /** Returns the row of each member's name in an object. Of several members with one name, the last one counts. */
  names(object: number): Map<string, number> {
    const names = new Map<string, number>();
    const end = this.next(object);
    for (let name = object + ROW_CELLS; name < end; name = this.next(name + ROW_CELLS))
      names.set(this.string(name), name);
    return names;
  }
}

/** Walks through two documents at the same time, and collects their differences. */
class Diff {
  readonly #before: Side;
  readonly #after: Side;
  readonly #frames = new IntStack();
  /**
   * The changed members that are not visited yet. Each is two rows: its name in the older and in the newer document.
   * The next member is on top.
   */
  readonly #members = new IntStack();
  readonly #entries: string[] = [];
  #bytes = "[]".length;
  /**
   * The path of the innermost container that the walk has entered. It is cached until the walk enters or leaves a
   * container.
   */
  #prefix: string | undefined = undefined;

  constructor(before: Side, after: Side) {
    this.#before = before;
    this.#after = after;
  }

  run(before: number, after: number): string | Failure {
    let fits = this.#compare(before, after);
    while (fits && this.#frames.length > 0) fits = this.#step();
    if (fits) return `[${this.#entries.join(",")}]`;
    return new Failure("OUT_OF_RANGE", `the diff is larger than ${DIFF_BYTES_MAX} bytes`);
  }

  /**
   * Compares two values. Enters them if both are objects or both are arrays. Otherwise, adds an entry if they differ.
   * Returns false if the diff has become too large.
   */
  #compare(before: number, after: number): boolean {
    const kind = this.#before.kind(before);
    if (kind === this.#after.kind(after)) {
      if (kind === OBJECT) return this.#enterObject(before, after);
      if (kind === ARRAY) return this.#enterArray(before, after);
      if (this.#scalarsEqual(kind, before, after)) return true;
    }
    return this.#addEntry(before, after);
  }

  /** Compares two scalars of the same kind. */
  #scalarsEqual(kind: number, before: number, after: number): boolean {
    if (kind === NUMBER) return jsonNumbersEqual(this.#before.source(before), this.#after.source(after));
    if (kind === STRING) return this.#before.string(before) === this.#after.string(after);
    return true;
  }

  #enterArray(before: number, after: number): boolean {
    this.#pushFrame(before + ROW_CELLS, this.#before.next(before), after + ROW_CELLS, this.#after.next(after), 0);
    return true;
  }

  #enterObject(before: number, after: number): boolean {
    const namesBefore = this.#before.names(before);
    const namesAfter = this.#after.names(after);
    const changed: ChangedMember[] = [];
    for (const [name, row] of namesBefore) {
      const other = namesAfter.get(name) ?? ABSENT;
      if (other === ABSENT || this.#mayDiffer(row + ROW_CELLS, other + ROW_CELLS)) {
        changed.push({ token: escapeToken(name), before: row, after: other });
      }
    }
    for (const [name, row] of namesAfter) {
      if (!namesBefore.has(name)) changed.push({ token: escapeToken(name), before: ABSENT, after: row });
    }
    if (changed.length === 0) return true;

    changed.sort((a, b) => compareCodePoints(b.token, a.token));
    for (const member of changed) {
      this.#members.push(member.before);
      this.#members.push(member.after);
    }
    this.#pushFrame(IN_OBJECT, changed.length, ABSENT, ABSENT, 0);
    return true;
  }

  /**
   * Returns whether two members may differ. Returns false if both are equal scalars. Most members are unchanged, so
   * this check avoids sorting and storing them.
   */
  #mayDiffer(before: number, after: number): boolean {
    const kind = this.#before.kind(before);
    if (kind !== this.#after.kind(after) || kind === OBJECT || kind === ARRAY) return true;
    return !this.#scalarsEqual(kind, before, after);
  }

  /** Visits the next child of the innermost container. Leaves the container if it has no more children. */
  #step(): boolean {
    const frame = this.#frames.length - FRAME_CELLS;
    return this.#frames.get(frame) === IN_OBJECT ? this.#stepObject(frame) : this.#stepArray(frame);
  }

  #stepArray(frame: number): boolean {
    const before = this.#frames.get(frame + ARRAY_BEFORE);
    const after = this.#frames.get(frame + ARRAY_AFTER);
    const inBefore = before < this.#frames.get(frame + ARRAY_BEFORE_END);
    const inAfter = after < this.#frames.get(frame + ARRAY_AFTER_END);
    if (!inBefore && !inAfter) return this.#popFrame();
    if (inBefore) this.#frames.set(frame + ARRAY_BEFORE, this.#before.next(before));
    if (inAfter) this.#frames.set(frame + ARRAY_AFTER, this.#after.next(after));
    this.#frames.set(frame + ARRAY_TAKEN, this.#frames.get(frame + ARRAY_TAKEN) + 1);
    return this.#visit(inBefore ? before : ABSENT, inAfter ? after : ABSENT);
  }

  #stepObject(frame: number): boolean {
    const left = this.#frames.get(frame + OBJECT_LEFT);
    if (left === 0) return this.#popFrame();
    const after = this.#members.pop();
    const before = this.#members.pop();
    this.#frames.set(frame + OBJECT_LEFT, left - 1);
    this.#frames.set(frame + OBJECT_BEFORE_NAME, before);
    this.#frames.set(frame + OBJECT_AFTER_NAME, after);
    return this.#visit(before === ABSENT ? ABSENT : before + ROW_CELLS, after === ABSENT ? ABSENT : after + ROW_CELLS);
  }

  #visit(before: number, after: number): boolean {
    return before === ABSENT || after === ABSENT ? this.#addEntry(before, after) : this.#compare(before, after);
  }

  #pushFrame(...cells: readonly [number, number, number, number, number]): void {
    for (const cell of cells) this.#frames.push(cell);
    this.#prefix = undefined;
  }

  #popFrame(): boolean {
    for (let cell = 0; cell < FRAME_CELLS; cell++) this.#frames.pop();
    this.#prefix = undefined;
    return true;
  }

  /** Returns the path segment of the child that the walk is visiting in the frame's container. */
  #tokenOf(frame: number): string {
    if (this.#frames.get(frame) !== IN_OBJECT) return String(this.#frames.get(frame + ARRAY_TAKEN) - 1);
    const before = this.#frames.get(frame + OBJECT_BEFORE_NAME);
    if (before !== ABSENT) return escapeToken(this.#before.string(before));
    return escapeToken(this.#after.string(this.#frames.get(frame + OBJECT_AFTER_NAME)));
  }

  #path(): string {
    const innermost = this.#frames.length - FRAME_CELLS;
    if (innermost < 0) return "";
    if (this.#prefix === undefined) {
      const tokens: string[] = [""];
      for (let frame = 0; frame < innermost; frame += FRAME_CELLS) tokens.push(this.#tokenOf(frame));
      this.#prefix = tokens.join("/");
    }
    return `${this.#prefix}/${this.#tokenOf(innermost)}`;
  }

  #addEntry(before: number, after: number): boolean {
    const operation = before === ABSENT ? "add" : after === ABSENT ? "remove" : "replace";
    let entry = `{"operation":"${operation}","path":${JSON.stringify(this.#path())}`;
    if (before !== ABSENT) entry += `,"old_value":${toOneLine(this.#before.source(before))}`;
    if (after !== ABSENT) entry += `,"new_value":${toOneLine(this.#after.source(after))}`;
    entry += "}";
    this.#bytes += utf8Length(entry) + 1;
    this.#entries.push(entry);
    return this.#bytes <= DIFF_BYTES_MAX;
  }
}

/**
 * Returns the text of the array `diffs` for two parsed documents. Returns OUT_OF_RANGE if it would be longer than
 * DIFF_BYTES_MAX bytes.
 */
export function diffNodes(beforeText: string, before: JsonNode, afterText: string, after: JsonNode): string | Failure {
  const diff = new Diff(new Side(beforeText, before.cells), new Side(afterText, after.cells));
  return diff.run(before.row, after.row);
}
