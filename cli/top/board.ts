/**
 * Keeps the data of `top` up to date. Reads the server's stream of changes, and requests the changed data again. Sends
 * one request at a time, and at most a few per second. Tries again if the server is away. Runs in the CLI process.
 */
import {
  CLI_RECONNECT_DELAY_MS,
  CLI_RETRY_MS_MAX,
  CLI_STREAM_LINE_BYTES_MAX,
  CLI_TOP_ANSWER_MS,
  CLI_TOP_FIGURES_MS,
  CLI_TOP_REFUSED_MS,
  CLI_TOP_REQUEST_MS,
  CLI_TOP_SAME_MS,
  CLI_TOP_SILENCE_MS,
} from "../../schemas/limits/cli.js";
import type { ChangeMessage } from "../../schemas/changes.js";
import { parseJson } from "../../shared/json-text.js";
import { Reconnect } from "../../shared/reconnect.js";
import { ask, failureOf, isTransient } from "../ask.js";
import { openRequest } from "../client.js";
import { CliFailure } from "../failure.js";
import { isFailure } from "../outcome.js";
import { pause } from "../pause.js";
import type { Settings } from "../settings.js";
import { readLines } from "../stream-lines.js";
import {
  ANSWERS,
  ANSWER_NAMES,
  answersOf,
  NO_DATA,
  readFigures,
  type AnswerName,
  type Data,
  type ViewName,
} from "./data.js";

/**
 * After a request, the same data is not requested again for this many times the request's duration. So slow requests
 * are rare.
 */
const COST_FACTOR = 10;
const KINDS = [...new Set(ANSWER_NAMES.flatMap((name) => ANSWERS[name].kind ?? []))];

export class Board {
  readonly #settings: Settings;
  readonly #signal: AbortSignal;
  readonly #onChange: () => void;
  /** The names of the answers that are out of date and must be requested again. */
  readonly #stale = new Set<AnswerName>(ANSWER_NAMES);
  /** The earliest time of the next request for each answer, in ms. */
  readonly #notBefore = new Map<AnswerName, number>();
  readonly #link = new Reconnect({ minMs: 2 * CLI_RECONNECT_DELAY_MS, maxMs: CLI_RETRY_MS_MAX });
  #wake: () => void = () => undefined;
  #view: ViewName;
  #isPaused = false;
  #data: Data = NO_DATA;
  #trouble = "";

  /** @param onChange called after each answer, and when the server becomes unreachable or reachable */
  constructor(settings: Settings, view: ViewName, signal: AbortSignal, onChange: () => void) {
    this.#settings = settings;
    this.#view = view;
    this.#signal = signal;
    this.#onChange = onChange;
    signal.addEventListener("abort", () => this.#wake());
  }

  get data(): Data {
    return this.#data;
  }

  /** The reason why the server cannot be reached; "" if it answers. */
  get trouble(): string {
    return this.#trouble;
  }

  /** Selects the view whose data is kept up to date. While the board is paused, it requests no data. */
  show(view: ViewName, isPaused: boolean): void {
    this.#view = view;
    this.#isPaused = isPaused;
    this.#wake();
  }

  /** Requests each answer that the view needs, once. Returns the first failure. */
  async askOnce(): Promise<CliFailure | undefined> {
    for (const name of answersOf(this.#view)) {
      const failure = await this.#ask(name);
      if (failure !== undefined) return failure;
    }
    return undefined;
  }

  /** Keeps the data up to date until the signal fires. */
  async run(): Promise<void> {
    await Promise.all([this.#watch(), this.#work()]);
  }

  async #work(): Promise<void> {
    while (!this.#signal.aborted) {
      const [name, dueMs] = this.#next();
      if (name === undefined || dueMs > 0) {
        await this.#sleep(dueMs);
        continue;
      }
      const failure = await this.#ask(name);
      if (this.#signal.aborted) return;
      if (failure === undefined) await pause(CLI_TOP_REQUEST_MS, this.#signal);
      else await this.#recover(failure);
    }
  }

  /** Returns the name of the next answer to request, and the time until its request is due, in ms. */
  #next(): readonly [name: AnswerName | undefined, dueMs: number] {
    if (this.#isPaused) return [undefined, Number.POSITIVE_INFINITY];
    const nowMs = performance.now();
    let [first, firstMs]: [AnswerName | undefined, number] = [undefined, Number.POSITIVE_INFINITY];
    for (const name of answersOf(this.#view)) {
      if (name !== "metrics" && !this.#stale.has(name)) continue;
      const dueMs = Math.max(0, (this.#notBefore.get(name) ?? 0) - nowMs);
      if (dueMs < firstMs) [first, firstMs] = [name, dueMs];
    }
    return [first, firstMs];
  }

  async #sleep(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = Number.isFinite(ms) ? setTimeout(resolve, ms) : undefined;
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = () => undefined;
  }

  /** Waits before the next attempt. All answers count as out of date, because changes may be missed meanwhile. */
  async #recover(failure: CliFailure): Promise<void> {
    this.#trouble = failure.message;
    this.#link.failed(performance.now());
    this.#expireAll();
    this.#onChange();
    await pause(this.#link.delayMs, this.#signal);
  }

  #expireAll(): void {
    for (const name of ANSWER_NAMES) this.#stale.add(name);
  }

  /**
   * Requests one answer. Returns a failure if the server cannot be reached. If the server refuses, stores the refusal.
   */
  async #ask(name: AnswerName): Promise<CliFailure | undefined> {
    const startMs = performance.now();
    this.#stale.delete(name);
    const outcome = await ask(this.#settings, {
      method: "GET",
      path: ANSWERS[name].path,
      signal: this.#signal,
      answer_timeout_ms: CLI_TOP_ANSWER_MS,
    });
    if (isFailure(outcome) && isTransient(outcome)) return failureOf(outcome);
    const endMs = performance.now();
    const sameMs = name === "metrics" ? CLI_TOP_FIGURES_MS : Math.max(CLI_TOP_SAME_MS, COST_FACTOR * (endMs - startMs));
    this.#notBefore.set(name, startMs + (isFailure(outcome) ? CLI_TOP_REFUSED_MS : sameMs));
    const { [name]: _, ...refusals } = this.#data.refusals;
    if (isFailure(outcome)) {
      this.#stale.add(name);
      this.#data = { ...this.#data, refusals: { ...refusals, [name]: failureOf(outcome).message } };
    } else {
      const text = outcome.body.toString("utf8");
      this.#data = { ...this.#data, refusals };
      if (name === "metrics")
        this.#data = { ...this.#data, earlier: this.#data.figures, figures: readFigures(text, endMs) };
      else this.#data = { ...this.#data, answers: { ...this.#data.answers, [name]: parseJson(text) } };
    }
    this.#trouble = "";
    this.#link.opened();
    this.#onChange();
    return undefined;
  }

  /** Reads the stream of changes, and reopens it when it ends. */
  async #watch(): Promise<void> {
    const link = new Reconnect({ minMs: 2 * CLI_RECONNECT_DELAY_MS, maxMs: CLI_RETRY_MS_MAX });
    while (!this.#signal.aborted) {
      const opened = await openRequest(this.#settings, {
        method: "GET",
        path: `/api/changes?kinds=${KINDS.join(",")}`,
        signal: this.#signal,
        answer_timeout_ms: CLI_TOP_SILENCE_MS,
      });
      if (!(opened instanceof CliFailure)) {
        if (opened.status === 200) {
          link.opened();
          await this.#read(opened.response);
        }
        opened.close();
      }
      link.failed(performance.now());
      // Without a stream, changes are missed. So all answers count as out of date at each attempt.
      this.#expireAll();
      this.#wake();
      await pause(link.delayMs, this.#signal);
    }
  }

  async #read(response: AsyncIterable<Buffer>): Promise<void> {
    this.#expireAll();
    this.#wake();
    try {
      for await (const line of readLines(response, CLI_STREAM_LINE_BYTES_MAX, "dropped")) {
        const text = line?.toString("utf8") ?? "";
        if (text.startsWith("data: ")) this.#take(text.slice("data: ".length));
      }
    } catch {
      // The connection broke. The caller opens another one.
    }
  }

  #take(text: string): void {
    const message = parseJson(text) as ChangeMessage | undefined;
    for (const name of ANSWER_NAMES) {
      if (message?.kind === "lagged" || ANSWERS[name].kind === message?.kind) this.#stale.add(name);
    }
    this.#wake();
  }
}
