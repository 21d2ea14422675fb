/**
 * Tests when the pages of the database are checked, and how the server reacts to damage. The files and the check are
 * fakes.
 */
import t from "tap";
import { quietLog } from "../../../test/support/quiet-log.js";
import { sqliteError } from "../store/sqlite/codes.js";
import { Failure } from "../../base/result.js";
import { StorageWatch } from "./storage-watch.js";

function play() {
  const played = {
    fault: null as string | null,
    state: { changed: 1n, bytes: 100 },
    answer: null as string | null | Failure,
    checks: 0,
    held: null as Failure | null,
    nowMs: 0,
  };
  const watch = new StorageWatch({
    files: { findFault: () => played.fault, readState: () => played.state },
    check: () => {
      played.checks += 1;
      return Promise.resolve(played.answer);
    },
    log: quietLog(),
    nowMs: 0,
    hold: (refusal) => {
      played.held = refusal;
    },
  });
  const tick = async (): Promise<void> => {
    watch.tick((played.nowMs += 10_000));
    for (let at = 0; at < 5; at++) await new Promise((resolve) => setImmediate(resolve));
  };
  return { played, watch, tick };
}

t.test("pages are checked after a change of the file, if it is small", async (t) => {
  const { played, watch, tick } = play();
  await tick();
  t.equal(played.checks, 0, "nothing has changed");
  played.state = { changed: 2n, bytes: 100 };
  await tick();
  t.equal(played.checks, 1);
  t.equal(watch.fault, null);
  await tick();
  t.equal(played.checks, 1, "once");
  played.state = { changed: 3n, bytes: 1e9 };
  await tick();
  t.equal(played.checks, 1, "a large file is not checked");
});

t.test(
  "an error that speaks of damage is believed when a check confirms it, or cannot refute it in time",
  async (t) => {
    const { played, watch, tick } = play();
    played.state = { changed: 1n, bytes: 1e9 };
    watch.takeError(sqliteError("malformed", "SQLITE_CORRUPT"));
    await tick();
    t.same([played.checks, watch.fault], [1, null], "refuted");
    watch.takeError(sqliteError("malformed", "SQLITE_CORRUPT"));
    played.answer = new Failure("RESOURCE_EXHAUSTED", "busy");
    await tick();
    t.equal(watch.fault, null, "the check has not ended yet");
    played.answer = new Failure("DEADLINE_EXCEEDED", "late");
    await tick();
    t.equal(watch.fault, "it is damaged (SQLITE_CORRUPT)");
    t.match(played.held, {
      status: "UNAVAILABLE",
      message: "the database takes no writes: it is damaged (SQLITE_CORRUPT)",
    });
    played.answer = null;
    await tick();
    t.same([watch.fault, played.held], [null, null]);
  },
);

t.test("missing files come first, and a writer that cannot open the database counts as a fault", async (t) => {
  const { played, watch, tick } = play();
  watch.takeUnusable("SQLITE_NOTADB");
  t.equal(watch.fault, "the database cannot be opened (SQLITE_NOTADB)");
  played.fault = "data.db was removed while the server used it";
  await tick();
  t.equal(watch.fault, played.fault);
  played.fault = null;
  await tick();
  watch.takeUnusable(null);
  t.same([watch.fault, played.held], [null, null]);
});
