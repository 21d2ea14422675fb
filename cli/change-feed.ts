/**
 * Implements `changes`: prints what changes on the server. The changes arrive as Server-Sent Events (docs/http-api.md
 * "Changes"). When a connection ends, the feed opens another one. The server keeps no history of changes, so the feed
 * misses the changes between two connections. It therefore prints the line `lagged` at the start of each later
 * connection: anything may have changed. The server itself sends this line too, for example after a restore. Runs in
 * the CLI process.
 */
import type { IncomingMessage } from "node:http";

import {
  CLI_RECONNECT_DELAY_MS,
  CLI_RECONNECT_DELAY_MS_MAX,
  CLI_STREAM_LINE_BYTES_MAX,
} from "../schemas/limits/cli.js";
import type { ChangeMessage } from "../schemas/changes.js";
import { isTemporary, Reconnect } from "../shared/reconnect.js";
import { describeRefusal, encodeQuery, openRequest } from "./client.js";
import { printUntilStopped, type EventSink } from "./event-sink.js";
import { collectAnswer, NoAnswer, type OpenAnswer } from "./exchange.js";
import { CliFailure, failed, type ExitCode } from "./failure.js";
import { formatJson, warn } from "./output.js";
import { pause } from "./pause.js";
import { runWatched } from "./server-health.js";
import { serversOf, type Settings } from "./settings.js";
import { readLines } from "./stream-lines.js";

const SUCCESS = 200;
const DATA = "data: ";
const LAGGED: ChangeMessage = { kind: "lagged" };
const LAGGED_LINE = Buffer.from(`${JSON.stringify(LAGGED)}\n`);

class ChangeFeed {
  readonly #settings: Settings;
  readonly #path: string;
  readonly #sink: EventSink;
  readonly #signal: AbortSignal;
  readonly #link: Reconnect;

  constructor(settings: Settings, path: string, sink: EventSink, signal: AbortSignal) {
    this.#settings = settings;
    this.#path = path;
    this.#sink = sink;
    this.#signal = signal;
    // One attempt tries all servers. So the delay doubles once per attempt, however many servers there are.
    this.#link = new Reconnect({ minMs: 2 * CLI_RECONNECT_DELAY_MS, maxMs: CLI_RECONNECT_DELAY_MS_MAX });
  }

  /**
   * Prints changes until the signal fires or a server refuses the request. Reconnects after a lost connection, but does
   * not retry the first one.
   */
  async run(): Promise<CliFailure | undefined> {
    for (;;) {
      this.#link.connecting();
      const failure = await this.#runOnce();
      if (this.#signal.aborted) return undefined;
      if (failure !== undefined) return failure;
      await pause(this.#link.delayMs, this.#signal);
    }
  }

  /**
   * Opens one connection and prints its changes. Returns a failure only if a new connection would fail in the same way.
   */
  async #runOnce(): Promise<CliFailure | undefined> {
    const plan = { method: "GET", path: this.#path, signal: this.#signal };
    const open = await openRequest(this.#settings, plan);
    if (open instanceof CliFailure) return this.#lost(open.message, open);
    try {
      if (open.status === SUCCESS) return await this.#follow(open);
      const answer = await collectAnswer(open);
      if (answer instanceof NoAnswer) return this.#lost(answer.why, failed(answer.why));
      const refusal = describeRefusal(answer.status, answer.body);
      return isTemporary(answer.status) ? this.#lost(`the answer was ${answer.status}`, refusal) : refusal;
    } finally {
      open.close();
    }
  }

  /**
   * Prints the changes of one connection. Stops when the connection ends, or when its server is isolated and another
   * server is healthy.
   */
  async #follow(open: OpenAnswer): Promise<CliFailure | undefined> {
    if (this.#link.failures > 0) warn("connected again");
    if (this.#link.wasLive) await this.#print(LAGGED_LINE);
    this.#link.opened();
    const { cluster, server: only } = this.#settings;
    const server = cluster?.current ?? only;
    const others = serversOf(this.#settings).filter((other) => other !== server);
    const { switchTo } = await runWatched(server, others, this.#signal, async (signal) => {
      signal.addEventListener("abort", open.close);
      if (signal.aborted) open.close();
      await this.#printChanges(open.response);
    });
    if (switchTo !== undefined) cluster?.switchTo(switchTo);
    else cluster?.moveOnFrom(server);
    return this.#lost(switchTo === undefined ? "the connection was lost" : `${server.origin} is halted or cut off`);
  }

  async #printChanges(stream: IncomingMessage): Promise<void> {
    try {
      for await (const line of readLines(stream, CLI_STREAM_LINE_BYTES_MAX, "dropped")) {
        const text = line?.toString("utf8").replace(/\r$/, "") ?? "";
        if (text.startsWith(DATA)) await this.#print(formatJson(Buffer.from(text.slice(DATA.length)), false));
      }
    } catch {
      // Ignore the error: either the connection broke, or this process closed it. The caller knows which.
    }
  }

  async #print(line: Buffer): Promise<void> {
    if (!this.#sink.write(line)) await this.#sink.drained();
  }

  /** Records a failed attempt or a lost connection. Returns the failure if no earlier attempt has connected. */
  #lost(why: string, failure?: CliFailure): CliFailure | undefined {
    if (this.#signal.aborted) return undefined;
    const isFirst = !this.#link.wasLive;
    this.#link.failed(performance.now());
    if (isFirst) return failure;
    if (this.#link.failures === 1) warn(`${why}, trying again`);
    return undefined;
  }
}

/**
 * Prints changes until the user presses Ctrl-C or the reader closes stdout (exit 0). If the server refuses the request,
 * the exit code is 1. If no server can be reached at the start, it is 3.
 * @param kinds the kinds of changes, separated by commas; undefined for all kinds
 */
export async function followChanges(settings: Settings, kinds: string | undefined): Promise<ExitCode | CliFailure> {
  const path = `/api/changes${encodeQuery(kinds === undefined ? {} : { kinds })}`;
  return await printUntilStopped(async (sink, signal) => await new ChangeFeed(settings, path, sink, signal).run());
}
