/**
 * Tests the outbox and the deliveries together, on a database in memory. The test controls the clock, the receivers and
 * the commits. It covers the order of events, backoff, the last failure, dead letters, enabling, restarts, shutdown,
 * and memory for large bodies. Random sequences are compared with a naive model.
 */
import * as fc from "fast-check";
import t from "tap";
import { pushOf } from "../../../test/support/push-of.js";
import {
  WEBHOOK_DEAD_LETTERS_MAX,
  WEBHOOK_ERROR_CHARS_MAX,
  WEBHOOK_EVENT_BUDGET,
  WEBHOOK_FAILURES_MAX,
  WEBHOOK_HOPS_MAX,
  WEBHOOK_LOG_ROWS,
  WEBHOOK_QUEUE_ROWS_MAX,
  WEBHOOK_REFUSAL_COST,
  WEBHOOK_RETRY_AFTER_MS_MAX,
  WEBHOOK_RETRY_DELAY_MS_MAX,
  WEBHOOK_RETRY_MS_MAX,
  WEBHOOK_RETRY_MS_MIN,
  WEBHOOK_SMALL_BODY_BYTES,
} from "../../../schemas/limits/webhooks.js";
import type { WebhookProgress } from "../../../schemas/webhooks.js";
import { Failure } from "../../base/result.js";
import { Exposition } from "../../platform/measure/exposition.js";
import { WriteBuffer } from "../../platform/store/write-buffer.js";
import { migrate } from "../../platform/store/migrate.js";
import { retryDelay } from "./backoff.js";
import { Bodies } from "./bodies.js";
import { Deliveries } from "./delivery.js";
import { DeadLetterReader, type DeadLetterRow } from "../outbox/dead-letters.js";
import { DeliveryLogReader } from "../outbox/delivery-log.js";
import { OUTBOX, Outbox } from "../outbox/outbox.js";
import { deliveryId } from "./request.js";
import type { Delivery, Outcome } from "./send.js";
import { WebhookReader, type WebhookRow } from "../outbox/table.js";
import { quietLog } from "../../../test/support/quiet-log.js";
import { openDatabase } from "../../platform/store/sqlite/choice.js";
import { countRounds } from "../../../test/support/test-size.js";

const SILENT = quietLog();
const DELIVERED: Outcome = { kind: "delivered", status: 204 };
/** Returns the outcome of a delivery to a receiver that is unreachable. */
const failed = (reason: string): Outcome => ({
  kind: "failed",
  failure: "unreachable",
  reason,
  status: null,
  retryAfterMs: 0,
});
const FAILED = failed("connection refused");
type Failed = Extract<Outcome, { readonly kind: "failed" }>;
/** An answer by which the receiver rejects the event. */
const REFUSED: Failed = {
  kind: "failed",
  failure: "refused",
  reason: "it answered 400",
  status: 400,
  retryAfterMs: 0,
};
const UNAVAILABLE: Failed = { ...REFUSED, failure: "unavailable", reason: "it answered 503", status: 503 };
const errorOf = (outcome: Outcome): string => (outcome.kind === "delivered" ? "" : outcome.reason);

interface Request extends Delivery {
  readonly event: number;
  readonly answer: (outcome: Outcome) => void;
}

/** Connects the writer and the front: the push message of each commit goes directly to the deliveries. */
class System {
  readonly db = openDatabase(":memory:");
  readonly reader: WebhookReader;
  outbox: Outbox;
  deliveries: Deliveries;
  nowMs = 1_000_000;
  chance = 0.5;
  /** Requests in flight. */
  requests: Request[] = [];
  /** The webhooks that were disabled. */
  readonly disabled: string[] = [];
  readonly rows = new WriteBuffer(this.db);
  readonly warnings: unknown[] = [];
  /** The failure with which the writer rejects reports of progress. Null if it accepts them. */
  refusal: Failure | null = null;
  /** All progress that was reported to the writer, even if the writer rejected it. */
  readonly reported: WebhookProgress[] = [];
  #event = 0;

  readonly #requestsMax: number | undefined;

  /** @param requestsMax the maximum number of requests in flight */
  constructor(requestsMax?: number) {
    this.#requestsMax = requestsMax;
    migrate(this.db);
    this.reader = new WebhookReader(this.db);
    this.outbox = new Outbox(this.db, this.rows);
    this.deliveries = this.start();
  }

  /** Starts again from the stored state, as after a crash. */
  restart(): void {
    this.requests = [];
    this.outbox = new Outbox(this.db, this.rows);
    this.deliveries = this.start();
  }

  private start(): Deliveries {
    const deliveries: Deliveries = new Deliveries({
      reader: this.reader,
      ...(this.#requestsMax === undefined ? {} : { requestsMax: this.#requestsMax }),
      clock: { now: () => this.nowMs },
      log: { ...SILENT, warn: (message, fields) => this.warnings.push([message, fields]) },
      random: () => this.chance,
      send: (delivery) =>
        new Promise((resolve) => {
          const { event_id } = JSON.parse(Buffer.from(delivery.body).toString()) as { event_id: number };
          const request: Request = {
            ...delivery,
            event: event_id,
            answer: (outcome) => {
              this.requests = this.requests.filter((other) => other !== request);
              resolve(outcome);
            },
          };
          this.requests.push(request);
        }),
      advance: (receivers) => {
        this.reported.push(...receivers);
        if (this.refusal !== null) return Promise.resolve(this.refusal);
        for (const progress of receivers) {
          const ended = this.outbox.advance(progress);
          if (ended !== undefined) this.disabled.push(ended.id);
        }
        this.commit(deliveries);
        return Promise.resolve(null);
      },
    });
    deliveries.load();
    return deliveries;
  }

  commit(deliveries = this.deliveries): void {
    this.rows.write();
    const pushed = pushOf(this.outbox, OUTBOX);
    if (pushed !== null) deliveries.take(pushed);
  }

  stored(id: string): WebhookRow {
    const webhook = this.reader.byId(id);
    if (webhook === undefined) throw new Error(`no webhook ${id}`);
    return webhook;
  }

  add(id: string, patterns: readonly string[] = ["*"]): void {
    this.outbox.table.insert({ id, url: `http://${id}/`, patterns: [...patterns], secret: "" }, this.nowMs);
    this.outbox.add(this.stored(id));
    this.commit();
  }

  remove(id: string): void {
    const { row } = this.stored(id);
    this.outbox.remove(row);
    this.outbox.table.delete(row);
    this.commit();
  }

  enable(id: string): void {
    const { row } = this.stored(id);
    this.outbox.table.enable(row);
    this.outbox.enable(row);
    this.commit();
  }

  publish(topic = "t", data = "1", hops = 0): number {
    const id = ++this.#event;
    for (const ended of this.outbox.publish({
      id,
      topic,
      data,
      source: "",
      created_at: this.nowMs,
      hops,
      trusted: true,
    }))
      this.disabled.push(ended.id);
    this.commit();
    return id;
  }

  /** Runs ticks until nothing changes any more without a new input. */
  async rest(): Promise<void> {
    for (let tick = 0; tick < 6; tick++) {
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
    }
  }

  async pass(ms: number): Promise<void> {
    this.nowMs += ms;
    this.deliveries.tick(this.nowMs);
    await this.rest();
  }

  /** Answers the pending request of a webhook. Returns undefined if the webhook has none. */
  async answer(id: string, outcome: Outcome): Promise<number | undefined> {
    await this.rest();
    const request = this.requests.find(({ url }) => url === `http://${id}/`);
    request?.answer(outcome);
    await this.rest();
    return request?.event;
  }

  /** Returns one of the metrics of the deliveries. */
  figure(sample: string): number {
    const out = new Exposition();
    this.deliveries.expose(out);
    const line = out
      .text()
      .split("\n")
      .find((text) => text.startsWith(`${sample} `));
    return Number(line?.split(" ").at(-1));
  }

  get queued(): number {
    return this.figure("koor_webhook_queue");
  }

  lettersOf(id: string): DeadLetterRow[] {
    return new DeadLetterReader(this.db).all(this.stored(id).row);
  }

  outcomes(outcome: "delivered" | "failed" | "dead_letter" | "dropped"): number {
    return this.figure(`koor_webhook_deliveries_total{outcome="${outcome}"}`);
  }

  get bodies(): number {
    return Number(this.db.prepare("SELECT count(*) FROM webhook_body").pluck().get());
  }
}

t.test("deliveries are in order, one at a time, and a slow receiver delays no other", async (t) => {
  const system = new System();
  for (const id of ["slow", "fast"]) system.add(id);
  for (let at = 0; at < 5; at++) system.publish();
  const got: (number | undefined)[] = [];
  for (let at = 0; at < 5; at++) got.push(await system.answer("fast", DELIVERED));
  t.same(got, [1, 2, 3, 4, 5]);
  t.same(
    system.requests.map(({ url, event }) => [url, event]),
    [["http://slow/", 1]],
    "one request in flight",
  );
  t.equal(system.queued, 10, "not reported yet");
  await system.pass(100);
  t.equal(system.queued, 5);
  t.equal(system.bodies, 5, "a body stays while one waits for it");
  t.match(system.stored("fast"), { fail_count: 0, last_fired: 1_000_000 });
  await system.answer("slow", DELIVERED);
  await system.pass(100);
  t.equal(system.bodies, 4);
});

/** The number of attempts after which the delay no longer grows. */
const TRIES_SHOWN = 20;

t.test("a failed delivery is retried with growing delays and the same id; later events wait", async (t) => {
  for (const chance of [0, 0.5, 1]) {
    const system = new System();
    system.chance = chance;
    system.add("w");
    system.publish();
    system.publish();
    await system.rest();
    const [{ id } = { id: "" }] = system.requests;
    t.equal(id, deliveryId("w", 1));
    let before = 0;
    for (let failures = 1; failures < TRIES_SHOWN; failures++) {
      t.equal(await system.answer("w", FAILED), 1);
      const delay = retryDelay(failures, chance);
      if (failures === 1) t.ok(delay >= WEBHOOK_RETRY_MS_MIN && delay <= WEBHOOK_RETRY_MS_MAX, `${delay}`);
      else if (delay < 0.7 * WEBHOOK_RETRY_DELAY_MS_MAX) t.equal(delay, 2 * before);
      else t.ok(delay >= 0.75 * WEBHOOK_RETRY_DELAY_MS_MAX && delay <= WEBHOOK_RETRY_DELAY_MS_MAX, `${delay}`);
      before = delay;
      await system.pass(delay - 1);
      t.equal(system.requests.length, 0, "not yet");
      t.equal(system.stored("w").fail_count, failures);
      await system.pass(1);
      t.same(
        system.requests.map((request) => [request.event, request.id]),
        [[1, id]],
      );
    }
    let total = 0;
    for (let failures = 1; failures < WEBHOOK_FAILURES_MAX; failures++) total += retryDelay(failures, chance);
    t.ok(total >= 72 * 3_600_000, "for three days at least");
    t.equal(await system.answer("w", DELIVERED), 1);
    t.equal(await system.answer("w", DELIVERED), 2);
    await system.pass(100);
    t.match(system.stored("w"), { fail_count: 0, active: 1 });
    t.equal(system.outcomes("failed"), TRIES_SHOWN - 1);
  }
});

/**
 * Makes deliveries fail until the webhook is disabled. Only the last two failures are real. The number of earlier
 * failures is written into the database.
 */
async function failUntilDisabled(system: System, id: string): Promise<void> {
  await system.pass(0);
  system.db.prepare("UPDATE webhook SET fail_count = ? WHERE id = ?").run(WEBHOOK_FAILURES_MAX - 2, id);
  system.restart();
  await system.pass(WEBHOOK_RETRY_DELAY_MS_MAX);
  for (let failures = 0; failures < 2; failures++) {
    await system.answer(id, FAILED);
    await system.pass(WEBHOOK_RETRY_DELAY_MS_MAX);
  }
}

t.test(
  "too many consecutive failures disable; enabling resumes the queue without events published in between",
  async (t) => {
    const system = new System();
    system.add("w");
    system.publish();
    system.publish();
    await failUntilDisabled(system, "w");
    t.same(system.disabled, ["w"]);
    t.match(system.stored("w"), { active: 0, fail_count: WEBHOOK_FAILURES_MAX });
    system.publish();
    await system.pass(60_000);
    t.same(system.requests, [], "off");
    system.enable("w");
    t.match(system.stored("w"), { active: 1, fail_count: 0 });
    system.publish();
    const got = [await system.answer("w", FAILED)];
    await system.pass(500);
    for (let at = 0; at < 4; at++) got.push(await system.answer("w", DELIVERED));
    t.same(got, [1, 1, 2, 4, undefined]);
    await system.pass(100);
    t.match(system.stored("w"), { active: 1, fail_count: 0 });
    t.equal(system.bodies, 0);
  },
);

t.test("the last failure survives successes, enabling and a restart", async (t) => {
  const system = new System();
  system.add("w");
  t.match(system.stored("w"), { last_error: null, last_failure_at: null }, "none yet");
  system.publish();
  await system.answer("w", failed("first"));
  await system.pass(1_000);
  t.match(system.stored("w"), { fail_count: 1, last_error: "first", last_failure_at: 1_000_000 });
  await system.answer("w", failed("second"));
  await system.pass(1_000);
  const last = { last_error: "second", last_failure_at: 1_001_000 };
  t.match(system.stored("w"), { fail_count: 2, ...last }, "of several the newest");
  await system.answer("w", { kind: "not sent", reason: "busy" });
  await system.pass(WEBHOOK_RETRY_MS_MAX);
  t.match(system.stored("w"), { fail_count: 2, ...last }, "a request that was not sent has not failed");
  await system.answer("w", DELIVERED);
  await system.pass(100);
  t.match(system.stored("w"), { fail_count: 0, ...last }, "a success does not erase it");
  system.enable("w");
  t.match(system.stored("w"), last, "enabling does not, either");
  system.restart();
  system.publish();
  await system.answer("w", DELIVERED);
  await system.pass(100);
  t.match(system.stored("w"), last, "nor does a restart");
});

t.test(
  "a failure is reported once, and again if the writer did not store it; successes do not report it",
  async (t) => {
    const system = new System();
    system.add("w");
    for (let at = 0; at < 3; at++) system.publish();
    await system.answer("w", DELIVERED);
    await system.pass(100);
    t.same(Object.keys(system.reported[0] ?? {}), [
      "webhook",
      "epoch",
      "delivered",
      "fail_count",
      "fired_at",
      "head",
      "log",
      "set_aside",
    ]);
    const failedMs = system.nowMs;
    await system.answer("w", failed("x".repeat(WEBHOOK_ERROR_CHARS_MAX + 1)));
    system.refusal = new Failure("UNAVAILABLE", "the writer is restarting");
    await system.pass(1_000);
    system.refusal = null;
    await system.pass(100);
    const failure = { at_ms: failedMs, error: "x".repeat(WEBHOOK_ERROR_CHARS_MAX) };
    t.same(
      system.reported.slice(1).map((word) => word.failure),
      [failure, failure],
      "cut to its bound",
    );
    t.match(system.stored("w"), { last_error: failure.error, last_failure_at: failedMs });
    await system.answer("w", DELIVERED);
    await system.pass(100);
    t.notOk("failure" in (system.reported.at(-1) ?? {}));
  },
);

t.test("failures that are in flight when the webhook is enabled do not count", async (t) => {
  const system = new System();
  system.add("w");
  system.publish();
  system.refusal = new Failure("UNAVAILABLE", "the writer is restarting");
  await failUntilDisabled(system, "w");
  t.same(system.disabled, [], "the writer refused the report");
  system.enable("w");
  system.refusal = null;
  await system.pass(100);
  t.same(system.disabled, []);
  t.match(system.stored("w"), { active: 1, fail_count: 0, last_error: "connection refused" });
  t.equal(await system.answer("w", DELIVERED), 1);
});

t.test("progress that the writer refuses is reported later", async (t) => {
  const system = new System();
  system.add("w");
  system.publish();
  system.refusal = new Failure("UNAVAILABLE", "the writer is restarting");
  await system.answer("w", DELIVERED);
  await system.pass(100);
  t.equal(system.bodies, 1);
  system.refusal = null;
  await system.pass(100);
  t.equal(system.bodies, 0);
  t.equal(await system.answer("w", DELIVERED), undefined, "and nothing is delivered twice");
});

t.test("a webhook is deleted during a request, and created again with the same id", async (t) => {
  const system = new System();
  system.add("w");
  system.publish();
  await system.rest();
  const [old] = system.requests;
  system.remove("w");
  t.equal(system.bodies, 0, "its queue is gone");
  system.add("w");
  system.publish();
  await system.rest();
  old?.answer(FAILED);
  await system.pass(100);
  t.match(system.stored("w"), { fail_count: 0 }, "the progress of the old one is not the new one's");
  t.equal(await system.answer("w", DELIVERED), 2);
});

t.test("a shutdown starts no request, and does not count those that it ended", async (t) => {
  const system = new System();
  for (const id of ["cut", "ended"]) system.add(id);
  system.publish();
  system.publish();
  await system.rest();
  system.deliveries.drain();
  t.equal(system.deliveries.inFlight, 2);
  t.equal(await system.answer("ended", DELIVERED), 1);
  t.equal(await system.answer("cut", FAILED), 1);
  t.equal(system.deliveries.inFlight, 0);
  t.same(system.requests, []);
  await system.deliveries.close();
  t.match(system.stored("cut"), { fail_count: 0 });
  system.restart();
  t.equal(await system.answer("cut", DELIVERED), 1);
  t.equal(await system.answer("ended", DELIVERED), 2);
});

t.test("a deletion that was not reported is seen when the front loads everything again", async (t) => {
  const system = new System();
  for (const id of ["gone", "here"]) system.add(id);
  const { row } = system.stored("gone");
  system.outbox.remove(row);
  system.outbox.table.delete(row);
  t.ok(pushOf(system.outbox, OUTBOX), "and its push message is lost");
  system.deliveries.load();
  system.publish();
  await system.rest();
  t.same(
    system.requests.map(({ url }) => url),
    ["http://here/"],
  );
});

t.test("a request that is not sent for lack of room is no failure", async (t) => {
  const system = new System();
  system.add("w");
  system.publish();
  await system.answer("w", { kind: "not sent", reason: "busy" });
  await system.pass(WEBHOOK_RETRY_MS_MAX);
  t.equal(await system.answer("w", DELIVERED), 1);
  t.equal(system.outcomes("failed"), 0);
});

t.test("deliveries beyond the maximum of requests in flight wait, and each gets its turn", async (t) => {
  const system = new System(2);
  const names = ["a", "b", "c", "d", "e"];
  for (const name of names) system.add(name);
  system.publish();
  system.publish();
  const served: string[] = [];
  await system.rest();
  while (system.requests.length > 0) {
    t.ok(system.requests.length <= 2, "no more at once");
    t.equal(system.requests.length, system.deliveries.inFlight);
    const [request] = system.requests;
    const { event = 0, url = "" } = request ?? {};
    served.push(`${new URL(url).hostname}${event}`);
    request?.answer(DELIVERED);
    await system.rest();
  }
  t.same(
    served.slice().sort(),
    names.flatMap((name) => [`${name}1`, `${name}2`]),
    "all of it arrives",
  );
  t.same(
    served.slice(0, 5),
    names.map((name) => `${name}1`),
    "one after the other",
  );
});

t.test("a full queue drops new events, for this webhook only", async (t) => {
  const system = new System();
  system.add("dead");
  for (let at = 0; at < WEBHOOK_QUEUE_ROWS_MAX; at++) system.publish();
  system.add("late");
  const last = system.publish();
  t.equal(system.outcomes("dropped"), 1);
  t.equal(await system.answer("late", DELIVERED), last);
  t.equal(await system.answer("dead", DELIVERED), 1);
  await system.pass(100);
  system.publish();
  t.equal(system.outcomes("dropped"), 1, "there is room again");
  t.equal(system.queued, WEBHOOK_QUEUE_ROWS_MAX + 1);
  system.restart();
  t.equal(system.queued, WEBHOOK_QUEUE_ROWS_MAX + 1, "counted again at the start");
  system.publish();
  await system.rest();
  t.equal(system.outcomes("dropped"), 1, "and full as before");
});

t.test("a chain that would be too long stops the deliveries, and the log says why", async (t) => {
  const system = new System();
  system.add("w");
  system.publish("t", "1", WEBHOOK_HOPS_MAX - 1);
  system.publish("t", "1", WEBHOOK_HOPS_MAX);
  t.same(system.disabled, ["w"]);
  const reason = `a chain of deliveries would be longer than ${WEBHOOK_HOPS_MAX}`;
  t.same(system.warnings, [["webhook disabled", { id: "w", fail_count: 0, reason }]]);
  t.match(system.stored("w"), { last_error: reason, last_failure_at: system.nowMs });
  await system.rest();
  t.same(system.requests, [], "disabled before the first request");
  system.enable("w");
  await system.rest();
  t.match(system.requests, [{ event: 1, hops: WEBHOOK_HOPS_MAX - 1 }]);
  t.equal(await system.answer("w", DELIVERED), 1);
  t.equal(await system.answer("w", DELIVERED), undefined, "an event that would have made it longer was never queued");
});

t.test("a webhook that is disabled for a chain during a delivery keeps that reason", async (t) => {
  const system = new System();
  system.add("w");
  system.publish("t", "1", WEBHOOK_HOPS_MAX - 1);
  await system.rest();
  system.publish("t", "1", WEBHOOK_HOPS_MAX);
  const { last_error, last_failure_at } = system.stored("w");
  t.match(last_error, /chain of deliveries/);
  system.nowMs += 50;
  await system.answer("w", FAILED);
  await system.pass(100);
  t.match(system.stored("w"), { active: 0, fail_count: 1, last_error, last_failure_at });
  system.enable("w");
  await system.answer("w", FAILED);
  await system.pass(100);
  t.match(system.stored("w"), { last_error: "connection refused" }, "enabled, it fails as before");
});

t.test("a rolled-back transaction leaves nothing in memory", async (t) => {
  const system = new System();
  system.add("w", ["a"]);
  system.db.exec("BEGIN");
  system.outbox.table.insert({ id: "x", url: "http://x/", patterns: ["b"], secret: "" }, 1);
  system.outbox.add(system.stored("x"));
  system.outbox.publish({ id: 77, topic: "a", data: "1", source: "", created_at: 1, hops: 0, trusted: true });
  system.outbox.remove(system.stored("w").row);
  system.db.exec("ROLLBACK");
  system.outbox.reload();
  t.equal(pushOf(system.outbox, OUTBOX), null);
  t.equal(system.outbox.webhooks, 1);
  system.publish("b");
  system.publish("a");
  t.equal(await system.answer("w", DELIVERED), 2);
  t.equal(system.bodies, 1);
});

t.test("large bodies are sent when there is room", (t) => {
  const size = 30 * 1024 * 1024;
  const bodies = new Bodies((event) => (event === 9 ? undefined : "x".repeat(event < 5 ? size : 10)));
  t.ok(Buffer.isBuffer(bodies.take(1, size)));
  t.equal(bodies.take(1, size), bodies.take(1, size), "one body for all");
  t.ok(Buffer.isBuffer(bodies.take(2, size)));
  t.equal(bodies.take(3, size), "full");
  t.ok(Buffer.isBuffer(bodies.take(5, 10)), "a small one always passes");
  t.ok(size > WEBHOOK_SMALL_BODY_BYTES);
  t.equal(bodies.take(9, 10), "gone");
  for (const event of [1, 1, 1, 2, 5]) bodies.release(event);
  t.equal(bodies.bytes, 0);
  t.ok(Buffer.isBuffer(bodies.take(3, size)));
  t.end();
});

t.test("a refused event is set aside after its own budget, and the next one is delivered", async (t) => {
  const system = new System();
  system.add("w");
  for (let at = 0; at < 3; at++) system.publish();
  const budgets = [
    { outcome: REFUSED, tries: Math.ceil(WEBHOOK_EVENT_BUDGET / WEBHOOK_REFUSAL_COST), hours: 0.75 },
    { outcome: UNAVAILABLE, tries: WEBHOOK_EVENT_BUDGET, hours: 24 },
  ];
  system.chance = 0;
  for (const [at, { outcome, tries, hours }] of budgets.entries()) {
    const event = at + 1;
    const beganMs = system.nowMs;
    for (let failures = 1; failures <= tries; failures++) {
      t.equal(await system.answer("w", outcome), event);
      // An unreachable receiver does not use up the retry budget of the event.
      if (failures === 3) {
        await system.pass(WEBHOOK_RETRY_DELAY_MS_MAX);
        t.equal(await system.answer("w", FAILED), event);
      }
      if (failures < tries) await system.pass(WEBHOOK_RETRY_DELAY_MS_MAX);
    }
    let minimumMs = 0;
    for (let failures = 1; failures < tries; failures++) minimumMs += retryDelay(failures, 0);
    t.ok(minimumMs >= hours * 3_600_000, `${minimumMs} ms`);
    await system.pass(100);
    t.match(system.lettersOf("w")[at], {
      event,
      beginning: /^\{"topic":"t",/,
      attempts: tries + 1,
      error: errorOf(outcome),
    });
    t.ok(system.nowMs > beganMs);
  }
  t.equal(await system.answer("w", DELIVERED), 3, "later events are delivered");
  await system.pass(100);
  t.match(system.reader.status("w"), {
    active: 1,
    fail_count: 0,
    pending: 0,
    head: null,
    dead_letters: 2,
    dropped: null,
  });
  t.equal(system.outcomes("dead_letter"), 2);
  t.equal(system.bodies, 2, "their bodies stay");
  system.remove("w");
  t.equal(system.bodies, 0, "and go with the webhook");
});

t.test("dead letters and the delivery log are bounded; the oldest ones are discarded", async (t) => {
  const system = new System();
  system.add("w");
  const { row } = system.stored("w");
  for (let at = 0; at < WEBHOOK_DEAD_LETTERS_MAX + 2; at++) {
    const event = system.publish();
    if (at === 0) await system.answer("w", UNAVAILABLE);
    t.equal(system.outbox.skip(row, at === 0 ? event : null, system.nowMs), event);
    system.commit();
  }
  const letters = system.lettersOf("w");
  t.match([letters[0], letters.at(-1)], [{ event: 3 }, { event: WEBHOOK_DEAD_LETTERS_MAX + 2 }]);
  t.match(system.reader.status("w"), { dead_letters: WEBHOOK_DEAD_LETTERS_MAX, dropped: 2 });
  t.equal(system.bodies, WEBHOOK_DEAD_LETTERS_MAX);
  t.equal(system.outcomes("dropped"), 2);
  for (let at = 0; at < WEBHOOK_LOG_ROWS + 5; at++) {
    system.publish();
    await system.answer("w", DELIVERED);
    if (at % 60 === 0) await system.pass(100);
  }
  await system.pass(100);
  const log = new DeliveryLogReader(system.db).all(row);
  t.equal(log.length, WEBHOOK_LOG_ROWS);
  t.match(log[0], { event: 2 * WEBHOOK_LOG_ROWS + 7, attempt: 1, status: 204, error: null, duration_ms: 0 });
});

t.test("after a skip the next event is delivered at once, whatever the skipped one waited for", async (t) => {
  const system = new System();
  system.add("w");
  const { row } = system.stored("w");
  t.match(system.outbox.skip(row, null, 1), { status: "ALREADY_EXISTS" }, "nothing waits");
  for (let at = 0; at < 3; at++) system.publish();
  await system.answer("w", REFUSED);
  await system.pass(100);
  t.match(system.outbox.skip(row, 2, 1), { status: "ALREADY_EXISTS", message: /event 1 is/ });
  t.match(system.stored("w"), { head_event: 1, head_tries: 1, head_spent: WEBHOOK_REFUSAL_COST });
  t.equal(system.outbox.skip(row, 1, system.nowMs), 1);
  system.commit();
  t.match(system.lettersOf("w"), [{ event: 1, attempts: 1, error: "skipped: it answered 400" }]);
  await system.rest();
  t.match(system.requests, [{ event: 2 }], "without a wait");
  t.equal(system.outbox.skip(row, null, system.nowMs), 2, "skipped with its request in flight");
  system.commit();
  t.equal(await system.answer("w", REFUSED), 2);
  t.equal(await system.answer("w", DELIVERED), 3, "no wait, either");
  await system.pass(100);
  t.match(system.reader.status("w"), { pending: 0, dead_letters: 2, fail_count: 0, head_event: null });
});

t.test("Retry-After applies if it is later than the backoff; attempts and time survive a restart", async (t) => {
  const system = new System();
  system.add("w");
  system.publish();
  await system.answer("w", { ...UNAVAILABLE, retryAfterMs: 60_000 });
  await system.pass(100);
  t.match(system.stored("w"), { head_event: 1, head_tries: 1, head_spent: 1, next_try_at: system.nowMs + 59_900 });
  system.restart();
  await system.pass(59_899);
  t.same(system.requests, [], "not yet");
  await system.pass(1);
  t.match(system.requests, [{ event: 1 }]);
  const delay = retryDelay(2, system.chance);
  await system.answer("w", { ...UNAVAILABLE, retryAfterMs: 1 });
  await system.pass(delay - 1);
  t.same(system.requests, [], "an earlier one counts for nothing");
  await system.pass(1);
  t.match(system.requests, [{ event: 1 }]);
  const log = new DeliveryLogReader(system.db).all(system.stored("w").row);
  t.match(log, [{ attempt: 2 }, { attempt: 1, status: 503, error: "it answered 503" }]);
  // Set the clock back. It was far ahead when the time of the next try was stored.
  system.nowMs -= 10 * 3_600_000;
  system.restart();
  await system.pass(0);
  await system.pass(WEBHOOK_RETRY_AFTER_MS_MAX);
  t.match(system.requests, [{ event: 1 }]);
});

/** One step of a random history. */
const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant("publish" as const), topic: fc.constantFrom("a", "b.c") }) },
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant("answer" as const), id: fc.constantFrom("p", "q"), good: fc.boolean() }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("pass" as const), ms: fc.constantFrom(100, 1000, 10_000) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constantFrom("enable" as const, "delete" as const, "disable" as const),
      id: fc.constantFrom("p", "q"),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("crash" as const) }) },
);
const PATTERNS: Readonly<Record<string, readonly string[]>> = { p: ["*"], q: ["b.*", "**.c"] };
const wants = (id: string, topic: string): boolean => id === "p" || topic === "b.c";

t.test("in any history each webhook gets its events, in order, and nothing else", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const system = new System();
      for (const id of ["p", "q"]) system.add(id, PATTERNS[id]);
      const due: Record<string, number[]> = { p: [], q: [] };
      const got: Record<string, number[]> = { p: [], q: [] };
      const deliver = async (id: string, good: boolean): Promise<void> => {
        const event = await system.answer(id, good ? DELIVERED : FAILED);
        if (event !== undefined && good) got[id]?.push(event);
      };
      for (const one of steps) {
        if (one.do === "publish") {
          const before = ["p", "q"].filter((id) => system.stored(id).active === 1);
          const event = system.publish(one.topic);
          for (const id of before) if (wants(id, one.topic)) due[id]?.push(event);
        } else if (one.do === "answer") {
          await deliver(one.id, one.good);
        } else if (one.do === "pass") {
          await system.pass(one.ms);
        } else if (one.do === "enable") {
          system.enable(one.id);
        } else if (one.do === "disable") {
          if (system.stored(one.id).active === 1) await failUntilDisabled(system, one.id);
        } else if (one.do === "delete") {
          await system.rest();
          system.remove(one.id);
          system.requests = system.requests.filter(({ url }) => url !== `http://${one.id}/`);
          system.add(one.id, PATTERNS[one.id]);
          due[one.id] = [];
          got[one.id] = [];
        } else {
          await system.rest();
          system.restart();
        }
      }
      for (const id of ["p", "q"]) {
        system.enable(id);
        for (let idle = 0; idle < 3; ) {
          const before = got[id]?.length;
          await deliver(id, true);
          if (got[id]?.length === before) idle += 1;
          await system.pass(10_000);
        }
        const firsts = [...new Set(got[id])];
        if (JSON.stringify(firsts) !== JSON.stringify(due[id]))
          throw new Error(`${id} was due ${due[id]?.join()} and got ${got[id]?.join()}`);
      }
      await system.pass(100);
      if (system.bodies !== 0 || system.queued !== 0) throw new Error("something is left");
    }),
    { numRuns: countRounds(30, 120) },
  );
});
