/** Tests the log position in a cursor. It must be found under the name of its own log only. */
import * as fc from "fast-check";
import t from "tap";
import { WAIT_CONDITIONS_MAX } from "../../../schemas/limits/wait.js";
import { encodeCursor, nameOf, readCursor, type Cursor } from "./cursor.js";
import { withLogPosition, logPositionIn } from "./log-position.js";

const marks = new Map(Array.from({ length: WAIT_CONDITIONS_MAX }, (_, of) => [nameOf(String(of)), "1.1"]));
const BARE: Cursor = { event: 7, eventAt: 8, last: "", marks };

t.test("a cursor keeps the position of the log, beside the most conditions", (t) => {
  fc.assert(
    fc.property(fc.uuid(), fc.maxSafeNat(), (log, position) => {
      const read = readCursor(encodeCursor(withLogPosition(log, position, BARE)));
      return read !== undefined && logPositionIn(log, read) === position && logPositionIn(`${log}0`, read) === 0;
    }),
  );
  t.equal(logPositionIn("log", BARE), 0, "without a log");
  t.equal(
    logPositionIn("log", { ...BARE, marks: new Map([[nameOf("log"), "1.5"]]) }),
    0,
    "a mark that no node has written",
  );
  t.end();
});
