/**
 * Tests the supervisor of the writer thread: restarts, calls in flight, delays, and closing. The thread is a fake that
 * follows instructions (test/threads/peer.ts).
 */
import t from "tap";
import { act, PEER_METHODS } from "../../../test/threads/peer-methods.js";
import { WRITER_RESTART_DELAY_MS } from "../../../schemas/limits/writer.js";
import type { Log, LogFields } from "../../base/log.js";
import { Failure } from "../../base/result.js";
import { RpcClient } from "../rpc/client.js";
import type { ReplyOf } from "../rpc/method.js";
import { startThread, writerData } from "./early-writer.js";
import { READY } from "./push-messages.js";
import { WriterThread } from "./writer-thread.js";

const PEER = new URL("../../../test/threads/peer.js", import.meta.url);
const CONTEXT = { actor: "", trace: "" };

/** Records the lines of the log. A test can wait for the next line with a given message. */
class Lines implements Log {
  readonly debugs = false;
  readonly infos = false;
  readonly lines: { readonly message: string; readonly fields: LogFields | undefined }[] = [];
  #wake: () => void = () => undefined;

  debug(): void {
    /* These lines are not checked. */
  }
  info(): void {
    /* These lines are not checked. */
  }
  warn = (message: string, fields?: LogFields): void => this.#add(message, fields);
  error = (message: string, fields?: LogFields): void => this.#add(message, fields);
  close(): Promise<void> {
    return Promise.resolve();
  }

  /** Waits for the nth line with this message. Returns the fields of the line. */
  async wait(message: string, nth: number): Promise<LogFields | undefined> {
    for (;;) {
      const line = this.lines.filter((each) => each.message === message)[nth - 1];
      if (line !== undefined) return line.fields;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  #add(message: string, fields: LogFields | undefined): void {
    this.lines.push({ message, fields });
    this.#wake();
  }
}

/** Starts a supervised thread, and counts how often it was ready. */
function supervise(url: URL): {
  client: RpcClient;
  thread: WriterThread;
  log: Lines;
  ready: (nth: number) => Promise<void>;
} {
  const log = new Lines();
  const client: RpcClient = new RpcClient({
    methods: PEER_METHODS,
    clock: { now: () => 0 },
    pushMessages: [READY],
    onPush: () => thread.takeReady(),
  });
  const starts: number[] = [];
  let wake: () => void = () => undefined;
  const thread: WriterThread = new WriterThread({
    url,
    early: startThread(url, writerData("", { state_history: 0, state_events: false, event_history: 0 })),
    client,
    log,
    onRestart: () => undefined,
    storage: { findFault: () => null, takeError: () => undefined, takeUnusable: () => undefined },
    onReady: () => {
      starts.push(starts.length + 1);
      wake();
    },
  });
  const ready = async (nth: number): Promise<void> => {
    while (!starts.includes(nth)) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };
  thread.start();
  return { client, thread, log, ready };
}

t.test("a crash fails the calls in flight, and the thread starts again", async (t) => {
  const { client, thread, log, ready } = supervise(PEER);
  const ask = (topic: string): Promise<ReplyOf<typeof act> | Failure> => client.request(act, { topic }, CONTEXT);
  await ready(1);
  for (let crash = 1; crash <= 2; crash++) {
    const outcomes = await Promise.all(["commit", "silent", "crash", "after it"].map(ask));
    for (const outcome of outcomes) t.match(outcome, { status: "UNAVAILABLE", http: 503 });
    t.same(
      outcomes.map((outcome) => outcome instanceof Failure && outcome.outcomeUnknown),
      [true, false, false, false],
      "only what was committed may have been executed",
    );
    t.equal(client.attached, false);
    t.match(await ask("too early"), { status: "UNAVAILABLE" }, "calls are refused until the thread is back");
    t.same(await log.wait("writer crashed", crash), { error: "crashed on purpose" });
    t.same(
      await log.wait("writer restarts", crash),
      { delay_ms: WRITER_RESTART_DELAY_MS },
      "once it was ready the delay is short again",
    );
    await ready(crash + 1);
    t.match(await ask("executed"), { topics: [] }, "a new thread serves");
  }
  await thread.close();
  t.equal(client.attached, false, "closing ends the thread");
  t.equal(log.lines.length, 4, "and the thread is not started again");
});

t.test("a thread that cannot start is tried again with growing delays", async (t) => {
  const { thread, log } = supervise(new URL("../../../test/threads/nowhere.js", import.meta.url));
  for (let attempt = 1; attempt <= 3; attempt++) {
    t.same(await log.wait("writer restarts", attempt), { delay_ms: WRITER_RESTART_DELAY_MS * 2 ** (attempt - 1) });
  }
  const { length } = log.lines;
  await thread.close();
  t.equal(log.lines.length, length, "closing between two attempts ends the retries");
});

t.test("a database that the thread cannot open is logged", async (t) => {
  const { thread, log, ready } = supervise(PEER);
  await ready(1);
  thread.takeUnusable("SQLITE_CORRUPT");
  t.match(log.lines, [{ message: "writer cannot open the database", fields: { error: "SQLITE_CORRUPT" } }]);
  await thread.close();
});
