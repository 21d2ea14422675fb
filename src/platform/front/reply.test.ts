/**
 * Tests answers that are sent in chunks. The first chunk decides the status. The read that produces the chunks is ended
 * in every case.
 */
import t from "tap";
import { Failure } from "../../base/result.js";
import type { Sink } from "../transport/reply.js";
import { listReply, readReply } from "./reply.js";

const REFUSAL = new Failure("NOT_FOUND", "no such thing");

/** Creates a read that yields these items. Records whether its consumer has ended it. */
function readOf(...items: readonly (string | Failure)[]) {
  const state = { left: false };
  async function* chunks(): AsyncGenerator<string | Failure, unknown, undefined> {
    try {
      for (const item of items) yield await Promise.resolve(item);
      return null;
    } finally {
      state.left = true;
    }
  }
  return { state, chunks: chunks() };
}

/** Returns the text of a streamed answer as the client receives it. It ends with "cut" if the connection broke. */
async function write(body: (sink: Sink) => void): Promise<string> {
  return await new Promise((resolve) => {
    let text = "";
    body({
      write: (chunk) => {
        text += chunk;
        return true;
      },
      end: (cut = false) => resolve(cut ? `${text}cut` : text),
      onDrain: () => undefined,
      onClose: () => undefined,
    });
  });
}

t.test("the first chunks decide the status and form of an answer", async (t) => {
  for (const [items, answered] of [
    [[REFUSAL], REFUSAL],
    [["[", REFUSAL], REFUSAL],
    [["[]"], "[]\n"],
    [["[", "1", "]"], "[1]\n"],
    [["[", "1", REFUSAL], "[1cut"],
    [[], ""],
  ] as const) {
    const { state, chunks } = readOf(...items);
    const answer = await readReply(chunks);
    if (answer instanceof Failure) t.equal(answer, answered);
    else t.equal(typeof answer.body === "function" ? await write(answer.body) : String(answer.body), answered);
    t.ok(state.left, `the read of ${JSON.stringify(items)} is left`);
  }
});

t.test("an answer that is discarded ends its read", async (t) => {
  const { state, chunks } = readOf("[", "1", "]");
  const answer = await readReply(chunks);
  if (answer instanceof Failure) return t.fail(answer.message);
  t.notOk(state.left);
  answer.discard?.();
  await chunks.next();
  t.ok(state.left);
  return undefined;
});

t.test("the answer of a list begins when all of it is there", async (t) => {
  async function* list(next: string | null, ...items: readonly (string | Failure)[]) {
    try {
      for (const item of items) yield await Promise.resolve(item);
      return next;
    } finally {
      left = true;
    }
  }
  let left = false;
  for (const [next, header] of [
    [null, /^application\/json\r\nCache-Control: no-store$/],
    ["after=é", /\r\nX-Koor-Next: after=é\r\n/],
  ] as const) {
    const answer = await listReply(list(next, '["é', '\u{1F600}","', 'z"]'));
    if (answer instanceof Failure || answer.headers === undefined) throw new Error("it is an answer");
    t.ok(answer.body instanceof Uint8Array, "as bytes: no texts are joined");
    t.equal(Buffer.from(answer.body as Uint8Array).toString(), '["é\u{1F600}","z"]\n');
    t.match(answer.headers.rest, header);
  }
  left = false;
  t.equal(await listReply(list(null, '["a",', REFUSAL)), REFUSAL, "what fails is refused");
  t.ok(left, "and the read is left");
});
