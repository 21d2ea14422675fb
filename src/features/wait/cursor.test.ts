/** Tests that parsing an encoded cursor gives the original values. Also tests that no other text is accepted. */
import * as fc from "fast-check";
import t from "tap";
import { WAIT_CONDITIONS_MAX, WAIT_CURSOR_BYTES_MAX, WAIT_MARK_CHARACTERS_MAX } from "../../../schemas/limits/wait.js";
import { encodeCursor, nameOf, readCursor, type Cursor } from "./cursor.js";

const name = fc.nat().map((of) => nameOf(String(of)));
const mark = fc.stringMatching(/^[\w.-]{1,40}$/);
const cursors: fc.Arbitrary<Cursor> = fc.record({
  event: fc.maxSafeNat(),
  eventAt: fc.maxSafeNat(),
  last: fc.oneof(fc.constant(""), name),
  marks: fc.array(fc.tuple(name, mark), { maxLength: WAIT_CONDITIONS_MAX }).map((pairs) => new Map(pairs)),
});

t.test("a written cursor is read back, also from a URL", (t) => {
  fc.assert(
    fc.property(cursors, (cursor) => {
      const text = encodeCursor(cursor);
      return encodeURIComponent(text) === text && JSON.stringify(read(text)) === JSON.stringify(shown(cursor));
    }),
  );
  const empty = encodeCursor({ event: 0, eventAt: 0, last: "", marks: new Map([[nameOf("a"), ""]]) });
  t.same(readCursor(empty)?.marks, new Map(), "an empty mark takes no space");
  t.end();
});

t.test("a character more, less or different makes it invalid", (t) => {
  fc.assert(
    fc.property(cursors, fc.nat(), fc.string({ maxLength: 2 }), fc.nat({ max: 2 }), (cursor, position, put, taken) => {
      const text = encodeCursor(cursor);
      const at = position % (text.length + 1);
      const changed = text.slice(0, at) + put + text.slice(at + taken);
      return changed === text || readCursor(changed) === undefined;
    }),
    { numRuns: 1_000 },
  );
  for (const foreign of ["", "1", "lease-1", "1~0~0~", "~~~~~", "2~0~0~~bRQe0N0r", "1~0~0~~bRQe0N0r\n", "null", "{}"])
    t.equal(readCursor(foreign), undefined, JSON.stringify(foreign));
  t.end();
});

t.test("a cursor with the most conditions can be sent back", (t) => {
  const longest = (of: number): [string, string] => [
    nameOf(String(of)),
    of === 0 ? "m".repeat(WAIT_MARK_CHARACTERS_MAX) : `-${"9".repeat(15)}.${"9".repeat(15)}`,
  ];
  const marks = new Map(Array.from({ length: WAIT_CONDITIONS_MAX }, (_, of) => longest(of)));
  const text = encodeCursor({ event: 2 ** 53 - 1, eventAt: 2 ** 53 - 1, last: nameOf("0"), marks });
  t.ok(text.length <= WAIT_CURSOR_BYTES_MAX, `${text.length}`);
  t.same(readCursor(text)?.marks, marks);
  t.end();
});

function shown({ marks, ...rest }: Cursor): object {
  return { ...rest, marks: [...marks] };
}

function read(text: string): object | undefined {
  const cursor = readCursor(text);
  return cursor === undefined ? undefined : shown(cursor);
}
