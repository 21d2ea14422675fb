/**
 * Clients that write concurrently and record their answers: puts to their own keys and to a shared key,
 * compare-and-swap on a counter, deletions, rollbacks, and events, single and in arrays. Afterwards, compares what the
 * server acknowledged and refused with what a later server has. Runs in the test's process.
 */
import { hashOf } from "./answers.js";
import { send, sendJson, type Answer } from "./http-client.js";
import { makeRandom, type Random } from "./random.js";

interface WriteAnswer {
  readonly version: number;
  readonly hash: string;
}

interface EventAnswer {
  readonly id: number;
  readonly topic: string;
  readonly data: unknown;
}

/** A value that was sent, and its answer: "lost" if the connection ended without an answer. */
interface Sent {
  readonly key: string;
  readonly value: string;
  outcome: "lost" | "refused" | WriteAnswer;
}

interface Published {
  readonly nonces: readonly string[];
  outcome: "lost" | "refused" | readonly EventAnswer[];
}

interface AuditRow {
  readonly id: number;
  readonly action: string;
  readonly resource: string;
  readonly detail: string;
  readonly outcome: string;
}

const SHARED_KEY = "shared/one";
const COUNTER_KEY = "shared/counter";
/** A limit that is larger than what a test writes, so that one page has everything. */
const EVERYTHING = 10_000;

export class Workload {
  readonly #clients: number;
  readonly #random: Random;
  readonly #sent: Sent[] = [];
  readonly #rollbacks: { readonly key: string; readonly answer: WriteAnswer }[] = [];
  readonly #deletions: { readonly key: string; readonly outcome: "lost" | "done" }[] = [];
  readonly #published: Published[] = [];
  /** The answers that were not successes, and not refusals that a client must expect. */
  readonly unexpected: string[] = [];
  /** Called after each success. */
  onAcknowledged: () => void = () => undefined;
  acknowledged = 0;
  refused = 0;
  /**
   * The times at which requests without an answer were sent (performance.now()). Requests that no server accepted are
   * left out.
   */
  readonly lost: number[] = [];
  /** Whether a client ends at its first 503, like a client that reacts to a shutdown. */
  endsWhenRefused = false;
  #nonce = 0;
  #running = false;

  constructor(clients: number, seed: number) {
    this.#clients = clients;
    this.#random = makeRandom(seed);
  }

  /** Writes until `stop` is called, or until no client gets an answer any more. */
  async run(port: number): Promise<void> {
    this.#running = true;
    await Promise.all(Array.from({ length: this.#clients }, (_, at) => this.#client(port, `own/${at}`)));
  }

  stop(): void {
    this.#running = false;
  }

  async #client(port: number, key: string): Promise<void> {
    while (this.#running) {
      const dice = this.#random(100);
      const alive =
        dice < 40
          ? await this.#put(port, key)
          : dice < 55
            ? await this.#put(port, SHARED_KEY)
            : dice < 65
              ? await this.#count(port)
              : dice < 75
                ? await this.#delete(port, key)
                : dice < 80
                  ? await this.#rollback(port, key)
                  : await this.#publish(port, dice < 95 ? 1 : 3);
      if (!alive) return;
    }
  }

  /** Returns the answer; null if there was none. Counts the refusals of a server that is busy or is stopping. */
  async #ask(request: Promise<Answer>, expected: readonly number[]): Promise<Answer | null> {
    const sentMs = performance.now();
    let answer: Answer;
    try {
      answer = await request;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ECONNREFUSED") this.lost.push(sentMs);
      return null;
    }
    if (answer.status === 200) {
      this.acknowledged += 1;
      this.onAcknowledged();
    } else if (answer.status === 503) {
      this.refused += 1;
    } else if (!expected.includes(answer.status)) {
      this.unexpected.push(`${answer.status} ${answer.text}`);
    }
    return answer;
  }

  /** Whether the client continues after this answer. */
  #goesOn(answer: Answer | null): boolean {
    return answer !== null && !(this.endsWhenRefused && answer.status === 503);
  }

  async #store(sent: Sent, request: Promise<Answer>, expected: readonly number[] = []): Promise<boolean> {
    this.#sent.push(sent);
    const answer = await this.#ask(request, expected);
    if (answer === null) return false;
    sent.outcome = answer.status === 200 ? answer.json<WriteAnswer>() : "refused";
    return this.#goesOn(answer);
  }

  #put(port: number, key: string): Promise<boolean> {
    const value = `{"by":${JSON.stringify(key)},"n":${++this.#nonce}}`;
    return this.#store({ key, value, outcome: "lost" }, sendJson(port, "PUT", `/api/state/${key}`, value));
  }

  /** Adds one to a shared counter. A client that loses the race gets a 412. */
  async #count(port: number): Promise<boolean> {
    const current = await send(port, "GET", `/api/state/${COUNTER_KEY}`).catch(() => null);
    if (current === null) return false;
    const version = Number(current.headers["x-koor-version"] ?? 0);
    const value = `{"count":${version + 1},"n":${++this.#nonce}}`;
    return this.#store(
      { key: COUNTER_KEY, value, outcome: "lost" },
      sendJson(port, "PUT", `/api/state/${COUNTER_KEY}?if_version=${version}`, value),
      [412],
    );
  }

  async #delete(port: number, key: string): Promise<boolean> {
    const answer = await this.#ask(send(port, "DELETE", `/api/state/${key}`), [404]);
    if (answer === null || answer.status === 200)
      this.#deletions.push({ key, outcome: answer === null ? "lost" : "done" });
    return this.#goesOn(answer);
  }

  async #rollback(port: number, key: string): Promise<boolean> {
    const answer = await this.#ask(send(port, "POST", `/api/state/${key}?rollback=1`), [404]);
    if (answer?.status === 200) this.#rollbacks.push({ key, answer: answer.json<WriteAnswer>() });
    return this.#goesOn(answer);
  }

  async #publish(port: number, count: number): Promise<boolean> {
    const nonces = Array.from({ length: count }, () => `e${++this.#nonce}`);
    const events = nonces.map((data) => ({ topic: "work.done", data }));
    const published: Published = { nonces, outcome: "lost" };
    this.#published.push(published);
    const answer = await this.#ask(sendJson(port, "POST", "/api/events/publish", count === 1 ? events[0] : events), []);
    if (answer === null) return false;
    if (answer.status === 200)
      published.outcome = count === 1 ? [answer.json<EventAnswer>()] : answer.json<EventAnswer[]>();
    else published.outcome = "refused";
    return this.#goesOn(answer);
  }

  /**
   * Compares the answers with the data of a server. The server must have kept all history (`--state-history 0
   * --event-history 0`).
   * @returns one line for each difference
   */
  async findLosses(port: number): Promise<string[]> {
    const problems = [...this.unexpected];
    const audit = (await send(port, "GET", `/api/audit?limit=${EVERYTHING}`)).json<AuditRow[]>();
    for (const key of new Set(this.#sent.map((sent) => sent.key)))
      problems.push(...(await this.#checkKey(port, key, audit)));
    problems.push(...(await this.#checkEvents(port)));
    return problems;
  }

  async #checkKey(port: number, key: string, audit: readonly AuditRow[]): Promise<string[]> {
    const problems: string[] = [];
    const answer = await send(port, "GET", `/api/state/${key}?history=1&limit=${EVERYTHING}`);
    const versions = answer.status === 404 ? [] : answer.json<{ versions: WriteAnswer[] }>().versions;
    const hashes = new Map(versions.map(({ version, hash }) => [version, hash]));
    versions.forEach(({ version }, at) => {
      if (version !== versions.length - at)
        problems.push(`${key} has version ${version} at place ${versions.length - at}`);
    });
    const audited = audit
      .filter(
        (row) =>
          row.resource === key &&
          row.outcome === "success" &&
          (row.action === "state.put" || row.action === "state.rollback"),
      )
      .map((row) => (JSON.parse(row.detail) as { readonly version: number }).version);
    if (audited.toSorted((a, b) => a - b).join() !== [...hashes.keys()].toSorted((a, b) => a - b).join()) {
      problems.push(`${key} has ${hashes.size} versions and ${audited.length} audit rows`);
    }
    const deletions = audit.filter(
      (row) => row.resource === key && row.outcome === "success" && row.action === "state.delete",
    ).length;
    const deleted = this.#deletions.filter((each) => each.key === key && each.outcome === "done").length;
    const perhaps = this.#deletions.filter((each) => each.key === key).length;
    if (deletions < deleted || deletions > perhaps)
      problems.push(`${key} was deleted ${deleted} to ${perhaps} times, and has ${deletions} audit rows of it`);
    const stored = new Set(hashes.values());
    const reported = new Set<number>();
    for (const { value, outcome } of this.#sent.filter((sent) => sent.key === key)) {
      if (outcome === "refused") {
        if (stored.has(hashOf(value))) problems.push(`${key}: ${value} was refused, and is stored`);
      } else if (outcome !== "lost") {
        if (reported.has(outcome.version)) problems.push(`${key}: version ${outcome.version} was acknowledged twice`);
        reported.add(outcome.version);
        if (hashes.get(outcome.version) !== outcome.hash || outcome.hash !== hashOf(value))
          problems.push(`${key}: version ${outcome.version} was acknowledged as ${value}`);
      }
    }
    for (const {
      answer: { version, hash },
    } of this.#rollbacks.filter((each) => each.key === key)) {
      if (hashes.get(version) !== hash) problems.push(`${key}: the rollback to version ${version} is lost`);
    }
    const newest = this.#sent.findLast((sent) => sent.key === key && typeof sent.outcome !== "string")?.outcome;
    if (newest !== undefined && typeof newest !== "string") {
      const value = await send(port, "GET", `/api/state/${key}?version=${newest.version}`);
      if (hashOf(value.body) !== newest.hash) problems.push(`${key}: version ${newest.version} reads as ${value.text}`);
    }
    if (key === COUNTER_KEY) {
      for (const { version } of versions) {
        const { count } = (await send(port, "GET", `/api/state/${key}?version=${version}`)).json<{
          readonly count: number;
        }>();
        if (count !== version) problems.push(`version ${version} of the counter counts ${count}`);
      }
    }
    return problems;
  }

  async #checkEvents(port: number): Promise<string[]> {
    const problems: string[] = [];
    const events = (await send(port, "GET", `/api/events/history?after=0&last=${EVERYTHING}`)).json<EventAnswer[]>();
    events.forEach(({ id }, at) => {
      if (id <= (events[at - 1]?.id ?? 0)) problems.push(`event ${id} comes after ${events[at - 1]?.id}`);
    });
    const ids = new Map<unknown, number>();
    for (const { id, data } of events) {
      if (ids.has(data)) problems.push(`the event ${String(data)} is there twice`);
      ids.set(data, id);
    }
    for (const { nonces, outcome } of this.#published) {
      const found = nonces.map((nonce) => ids.get(nonce));
      if (outcome === "refused") {
        if (found.some((id) => id !== undefined)) problems.push(`${nonces.join()} was refused, and is stored`);
      } else if (outcome === "lost") {
        if (new Set(found.map((id) => id === undefined)).size !== 1)
          problems.push(`${nonces.join()} is stored in part`);
      } else if (found.join() !== outcome.map(({ id }) => id).join()) {
        problems.push(
          `${nonces.join()} was acknowledged as ${outcome.map(({ id }) => id).join()}, and is ${found.join()}`,
        );
      }
    }
    return problems;
  }
}
