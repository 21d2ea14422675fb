/** Tests that a message wakes only the waiters of its own box. Also tests the counts of all boxes on the front. */
import t from "tap";
import { settle } from "../../../test/threads/fake-writer.js";
import { Exposition } from "../../platform/measure/exposition.js";
import { MessageBoxes } from "./boxes.js";

/** A time that is longer than any test takes. */
const LONG_MS = 60_000;
const NOTHING = { in: [], out: [], unread: 0, expires_at: null };
const noAbort = (): void => undefined;

function open(): { readonly boxes: MessageBoxes; readonly figures: { unread: number; expires_at: number | null } } {
  const figures = { unread: 3, expires_at: 5_000 as number | null };
  const boxes = new MessageBoxes({ countUnread: () => figures.unread, nextExpiry: () => figures.expires_at });
  return { boxes, figures };
}

/** Starts a wait, and counts its reads of the box. A read finds a message if `there` is true. */
function waitFor(boxes: MessageBoxes, box: "in" | "out", instance: string) {
  const state = { there: false, looks: 0, abort: noAbort };
  const found = boxes.wait(
    box,
    instance,
    LONG_MS,
    () => {
      state.looks += 1;
      return state.there ? "found" : null;
    },
    (listener) => {
      state.abort = listener;
    },
  );
  return { state, found };
}

t.test("only waiters of the changed box look", async (t) => {
  const { boxes } = open();
  const mine = waitFor(boxes, "in", "me");
  const alsoMine = waitFor(boxes, "in", "me");
  const sent = waitFor(boxes, "out", "me");
  const other = waitFor(boxes, "in", "other");
  t.equal(boxes.waiting, 4);
  t.same(
    [mine, alsoMine, sent, other].map(({ state }) => state.looks),
    [1, 1, 1, 1],
    "each looks once at first",
  );
  boxes.accept({ ...NOTHING, in: ["me", "none"], out: ["other"] });
  boxes.accept({ ...NOTHING, in: ["me"], out: ["other"] });
  await settle();
  t.same(
    [mine, alsoMine, sent, other].map(({ state }) => state.looks),
    [2, 2, 1, 1],
    "one look for messages of one commit",
  );
  mine.state.there = true;
  boxes.accept({ ...NOTHING, in: ["me"] });
  t.equal(await mine.found, "found");
  await settle();
  t.equal(boxes.waiting, 3);
  t.equal(alsoMine.state.looks, 3, "another waiter took the message: it continues to wait");
  boxes.accept(NOTHING);
  await settle();
  t.equal(alsoMine.state.looks, 3, "a mark wakes no waiter");
  for (const { state } of [alsoMine, sent, other]) state.there = true;
  boxes.catchUp();
  t.same(await Promise.all([alsoMine.found, sent.found, other.found]), ["found", "found", "found"]);
  t.equal(boxes.waiting, 0);
});

t.test("an existing message is found at once", async (t) => {
  const { boxes } = open();
  t.equal(await boxes.wait("in", "me", LONG_MS, () => "there", noAbort), "there");
  t.equal(boxes.waiting, 0);
});

t.test("a disconnect, the timeout and the shutdown end the wait", async (t) => {
  const { boxes } = open();
  const gone = waitFor(boxes, "in", "me");
  gone.state.abort();
  t.equal(await gone.found, null);
  t.equal(await boxes.wait("in", "me", 1, () => null, noAbort), null);
  const waiting = [waitFor(boxes, "in", "me"), waitFor(boxes, "out", "me")];
  boxes.end();
  t.same(await Promise.all(waiting.map(({ found }) => found)), [null, null]);
  t.equal(boxes.waiting, 0);
  t.equal(await waitFor(boxes, "in", "me").found, null, "no waiter is left");
});

t.test("a message that arrives during a look causes another look", async (t) => {
  const { boxes } = open();
  const answers: ((found: string | null) => void)[] = [];
  const found = boxes.wait(
    "in",
    "me",
    LONG_MS,
    () =>
      new Promise<string | null>((resolve) => {
        answers.push(resolve);
      }),
    noAbort,
  );
  boxes.accept({ ...NOTHING, in: ["me"] });
  await settle();
  t.equal(answers.length, 1, "one look at a time");
  answers[0]?.(null);
  await settle();
  t.equal(answers.length, 2);
  answers[1]?.(null);
  await settle();
  t.equal(answers.length, 2, "and not once more");
  boxes.accept({ ...NOTHING, in: ["me"] });
  await settle();
  answers[2]?.("found");
  t.equal(await found, "found");
});

t.test("the figures are the writer's, and are read again after a crash", (t) => {
  const { boxes, figures } = open();
  const shown = (): string => {
    const out = new Exposition();
    boxes.expose(out);
    return /^koor_messages_unread (.*)$/m.exec(out.text())?.[1] ?? "";
  };
  t.same([shown(), boxes.expiresAt], ["3", 5_000]);
  boxes.accept({ ...NOTHING, unread: 8, expires_at: null });
  t.same([shown(), boxes.expiresAt], ["8", null]);
  figures.expires_at = 9;
  boxes.catchUp();
  t.same([shown(), boxes.expiresAt], ["3", 9]);
  t.end();
});
