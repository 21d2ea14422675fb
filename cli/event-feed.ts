/**
 * Implements `events subscribe`: prints each event once and in order, even if connections are lost. Each session over
 * WebSocket asks for the events after a known id (`since`), so no event is lost between two sessions. If WebSocket is
 * blocked, the feed polls over HTTP. No library is used for reconnecting, because such libraries do not track event
 * ids.
 *
 * event-socket.ts runs one session, and event-sink.ts writes to stdout. Runs in the CLI process.
 */
import {
  CLI_POLL_EVENTS,
  CLI_POLL_INTERVAL_MS,
  CLI_RECONNECT_DELAY_MS,
  CLI_RECONNECT_DELAY_MS_MAX,
  CLI_UPGRADE_ATTEMPTS_MAX,
  CLI_UPGRADE_RETRY_MS,
} from "../schemas/limits/cli.js";
import { elementTexts, isJson, parseJson } from "../shared/json-text.js";
import { EventCursor } from "../shared/event-cursor.js";
import { isTemporary, Reconnect } from "../shared/reconnect.js";
import { describeRefusal, encodeQuery, isSuccess, sendRequest } from "./client.js";
import { openEventSink, type EventSink } from "./event-sink.js";
import { runSession, type FrameAction } from "./event-socket.js";
import { CliFailure, failed, type ExitCode } from "./failure.js";
import { warn } from "./output.js";
import { pause } from "./pause.js";
import { isTrusted, runWatched } from "./server-health.js";
import { START_ADVICE } from "./setting-rules.js";
import { serversOf, type Settings } from "./settings.js";

export interface FeedOptions {
  readonly pattern: string;
  /** The feed prints the events after this id. If it is undefined, the feed prints only new events. */
  readonly since: number | undefined;
  /** Whether to print the server's notices that it dropped events. Otherwise, the feed fetches the dropped events. */
  readonly notices: boolean;
  /** Formats an event's JSON as one line, or as several lines with `--pretty`. */
  readonly format: (json: Buffer) => Buffer;
}

/**
 * Matches the id at the start of an event's JSON. The id always comes first. So the rest of the event, which may be
 * megabytes long, is not parsed.
 */
const EVENT_ID = /^\{"id":(\d{1,16}),/;
const EVENT_ID_BYTES = 32;
/**
 * Matches the server's message that its newest event is older than `since`. This happens after a restore, for example.
 */
const LAGGED = /^\{"type":"lagged","last_id":(\d{1,16})\}/;
const LAGGED_BYTES = 64;

/** Returns the id of the server's newest event. The feed prints the events after it. */
async function findPosition(settings: Settings, signal: AbortSignal): Promise<number | CliFailure> {
  const answer = await sendRequest(settings, { method: "GET", path: "/api/metrics", signal });
  if (answer instanceof CliFailure) return answer;
  if (!isSuccess(answer)) return describeRefusal(answer.status, answer.body);
  const text = answer.body.toString("utf8");
  const metrics = parseJson(text) as { readonly last_event_id?: unknown } | null | undefined;
  const position = metrics?.last_event_id;
  return typeof position === "number"
    ? position
    : failed("the server's metrics name no last event: is this a Koor server?");
}

class EventFeed {
  private readonly settings: Settings;
  private readonly options: FeedOptions;
  private readonly signal: AbortSignal;
  private readonly sink: EventSink;
  /** The id of the last printed event. Before the first print, it is the id after which the feed starts. */
  private readonly cursor: EventCursor;
  private readonly link: Reconnect;
  /** Whether a server has answered at least once. Before that, the feed does not retry a failure. */
  private reached: boolean;
  /**
   * Whether the current server may not know the event at the cursor, because another server may have sent that event.
   */
  private positionUnverified = true;
  /** Whether the feed polls over HTTP, because WebSocket is blocked. */
  private polling = false;

  constructor(settings: Settings, options: FeedOptions, position: number, sink: EventSink, signal: AbortSignal) {
    this.settings = settings;
    this.options = options;
    this.cursor = new EventCursor(position);
    this.link = new Reconnect({
      minMs: 2 * CLI_RECONNECT_DELAY_MS,
      maxMs: CLI_RECONNECT_DELAY_MS_MAX,
      servers: serversOf(settings).length,
    });
    this.reached = options.since === undefined;
    this.sink = sink;
    this.signal = signal;
  }

  /** Prints one event or notice, from a session or from a polled page. */
  private printFrame(frame: Buffer): FrameAction {
    const id = Number(EVENT_ID.exec(frame.toString("latin1", 0, EVENT_ID_BYTES))?.[1] ?? Number.NaN);
    // The JSON of an event begins with its id. The JSON of a notice, for example of a lag, has no id.
    const lag = Number.isNaN(id) ? LAGGED.exec(frame.toString("latin1", 0, LAGGED_BYTES)) : null;
    if (lag !== null) this.rewindTo(Number(lag[1]));
    else if (Number.isNaN(id) && !this.options.notices) return this.fillGap();
    if (lag !== null && !this.options.notices) return "more";
    if (!Number.isNaN(id) && !this.cursor.take(id)) return "more";
    return this.sink.write(this.options.format(frame)) ? "more" : "wait";
  }

  /**
   * Sets the cursor back to the newest event of the server. The server does not have the events that were printed last.
   */
  private rewindTo(newest: number): void {
    warn(
      `lagged: the server's newest event is ${newest}, not ${this.cursor.id}: the events between them were not printed`,
    );
    this.cursor.rewind(newest);
  }

  /**
   * Handles the notice that the server dropped events. Normally, a new session fetches the dropped events. If this
   * session has printed nothing yet, a new session would ask for the same events again. So the server no longer has
   * them, and the feed only warns.
   */
  private fillGap(): FrameAction {
    if (this.cursor.hasMoved) return "resync";
    warn("the server no longer holds some events that were not printed");
    return "more";
  }

  /**
   * Prints the events after the cursor from the server's history. Returns whether plain HTTP works. If a server refused
   * the request, returns the failure.
   */
  private async poll(): Promise<boolean | CliFailure> {
    for (;;) {
      const query = { after: String(this.cursor.id), topic: this.options.pattern, last: String(CLI_POLL_EVENTS) };
      const path = `/api/events/history${encodeQuery(query)}`;
      const answer = await sendRequest(this.settings, { method: "GET", path, signal: this.signal });
      if (answer instanceof CliFailure || isTemporary(answer.status)) {
        this.positionUnverified = true;
        return false;
      }
      if (!isSuccess(answer)) return describeRefusal(answer.status, answer.body);
      const text = answer.body.toString("utf8");
      if (!isJson(text)) return false;
      const events = elementTexts(text) ?? [];
      if (events.length === 0 && this.positionUnverified) {
        const newest = await findPosition(this.settings, this.signal);
        if (newest instanceof CliFailure) return false;
        if (newest < this.cursor.id) this.rewindTo(newest);
      }
      this.positionUnverified = false;
      for (const event of events) {
        if (this.printFrame(Buffer.from(event)) === "wait") await this.sink.drained();
        if (this.signal.aborted) return true;
      }
      if (events.length < CLI_POLL_EVENTS) return true;
    }
  }

  private async pollFor(ms: number): Promise<CliFailure | undefined> {
    const untilMs = performance.now() + ms;
    do {
      const passed = await this.poll();
      if (passed instanceof CliFailure) return passed;
      await pause(CLI_POLL_INTERVAL_MS, this.signal);
    } while (performance.now() < untilMs && !this.signal.aborted);
    return undefined;
  }

  /**
   * Polls over HTTP for a while, because WebSocket is blocked. Polls longer if the block looks permanent (`lasting`).
   */
  private async pollInstead(why: string, lasting: boolean): Promise<CliFailure | undefined> {
    if (!this.polling) warn(`no WebSocket (${why}), polling every ${CLI_POLL_INTERVAL_MS / 1000} s`);
    this.polling = true;
    return await this.pollFor(lasting ? CLI_UPGRADE_RETRY_MS : this.link.delayMs);
  }

  /** Chooses the server for the next session. Prefers the servers that are trusted. */
  private async chooseServer(): Promise<URL> {
    const { cluster, server } = this.settings;
    if (cluster === undefined) return server;
    await cluster.open();
    for (const next of cluster.candidates()) {
      if (await isTrusted(cluster, next, this.signal)) return next;
      cluster.moveOnFrom(next);
    }
    return cluster.current;
  }

  /** Runs one session over WebSocket. Then waits or polls, so that the next session can start. */
  private async runOnce(): Promise<CliFailure | undefined> {
    this.cursor.subscribed();
    this.link.connecting();
    const { cluster } = this.settings;
    const server = await this.chooseServer();
    if (this.signal.aborted) return undefined;
    const after = cluster?.position ?? 0;
    const query = encodeQuery({
      pattern: this.options.pattern,
      since: String(this.cursor.id),
      // Always request notices of dropped events, even if they are not printed. They show which events to fetch again.
      notices: "1",
      ...(after === 0 ? {} : { after_position: String(after) }),
    });
    const receiver = {
      opened: (position: number | undefined) => {
        cluster?.recordAnswer(server, position);
        if (this.link.failures > 0) warn("connected again");
        this.link.opened();
        this.polling = false;
        this.reached = true;
      },
      take: (frame: Buffer) => this.printFrame(frame),
      drained: () => this.sink.drained(),
    };
    const path = `/api/events/subscribe${query}`;
    const others = serversOf(this.settings).filter((other) => other !== server);
    const { done: end, switchTo } = await runWatched(server, others, this.signal, async (signal) => {
      return await runSession(this.settings, server, path, receiver, signal);
    });
    if (this.signal.aborted || end.kind === "resync") return undefined;
    if (end.kind === "refused") return end.failure;
    this.link.failed(performance.now());
    if (switchTo !== undefined) {
      cluster?.switchTo(switchTo);
      return await this.pauseBeforeRetry(`${server.origin} is halted or cut off`);
    }
    cluster?.moveOnFrom(server);
    if (end.kind === "blocked") {
      this.reached = true;
      // A temporary error does not prove that WebSocket is blocked, because another server may accept it. So poll only
      // after each server has failed.
      if (isTemporary(end.status) && !this.link.allFailed)
        return await this.pauseBeforeRetry(`the answer was ${end.status}`);
      return await this.pollInstead(`the answer was ${end.status}`, !isTemporary(end.status));
    }
    if (!this.reached && this.link.allFailed) return failed(`cannot reach ${server.origin}: ${end.why}`, START_ADVICE);
    if (this.link.rounds > CLI_UPGRADE_ATTEMPTS_MAX) {
      const passed = await this.poll();
      if (passed instanceof CliFailure) return passed;
      if (passed) return await this.pollInstead(end.why, true);
    }
    return await this.pauseBeforeRetry(end.why);
  }

  /** Waits before the next attempt. */
  private async pauseBeforeRetry(why: string): Promise<undefined> {
    if (this.link.failures === 1) warn(`${why}, trying again`);
    await pause(this.link.delayMs, this.signal);
  }

  async run(): Promise<CliFailure | undefined> {
    while (!this.signal.aborted) {
      const failure = await this.runOnce();
      if (failure) return failure;
    }
    return undefined;
  }
}

/**
 * Prints events until the user presses Ctrl-C or the reader closes stdout (exit 0). If the server refuses the
 * subscription, the exit code is 1.
 */
export async function followEvents(settings: Settings, options: FeedOptions): Promise<ExitCode | CliFailure> {
  const stop = new AbortController();
  let printFailure: CliFailure | undefined;
  const stopNow = (): void => stop.abort();
  process.once("SIGINT", stopNow);
  process.once("SIGTERM", stopNow);
  const sink = await openEventSink((failure) => {
    printFailure = failure;
    stop.abort();
  });
  try {
    const position = options.since ?? (await findPosition(settings, stop.signal));
    if (stop.signal.aborted) return printFailure ?? 0;
    if (position instanceof CliFailure) return position;
    const failure = await new EventFeed(settings, options, position, sink, stop.signal).run();
    return failure ?? printFailure ?? 0;
  } finally {
    sink.close();
  }
}
