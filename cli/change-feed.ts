/**
 * Prints what changes on the server, as Server-Sent Events tell it (docs/http-api.md "Changes"). The server keeps no
 * history of changes, so a lost connection ends the command: its reader has to read everything again. Runs in the CLI
 * process.
 */
import type { IncomingMessage } from "node:http";

import { CLI_STREAM_LINE_BYTES_MAX } from "../schemas/limits/cli.js";
import { describeRefusal, encodeQuery, openRequest } from "./client.js";
import { openEventSink, type EventSink } from "./event-sink.js";
import { collectAnswer, NoAnswer } from "./exchange.js";
import { CliFailure, failed, type ExitCode } from "./failure.js";
import { formatJson } from "./output.js";
import type { Settings } from "./settings.js";
import { captureSignals } from "./signals.js";
import { readLines } from "./stream-lines.js";

const SUCCESS = 200;
const DATA = "data: ";

/** Prints the changes of a stream until it ends, also with an error. */
async function printChanges(stream: IncomingMessage, sink: EventSink): Promise<void> {
  try {
    for await (const line of readLines(stream, CLI_STREAM_LINE_BYTES_MAX, "dropped")) {
      const text = line?.toString("utf8").replace(/\r$/, "") ?? "";
      if (text.startsWith(DATA) && !sink.write(formatJson(Buffer.from(text.slice(DATA.length)), false)))
        await sink.drained();
    }
  } catch {
    // The connection broke off, or the user has stopped the command. The caller knows which.
  }
}

/**
 * Prints changes until the user presses Ctrl-C or stdout closes (exit 0), until the server refuses (exit 1), or until
 * the connection is lost (exit 3).
 * @param kinds separated by commas; undefined for all
 */
export async function followChanges(settings: Settings, kinds: string | undefined): Promise<ExitCode | CliFailure> {
  const stop = new AbortController();
  let printFailure: CliFailure | undefined;
  const restoreSignals = captureSignals(() => stop.abort());
  const sink = await openEventSink((failure) => {
    printFailure = failure;
    stop.abort();
  });
  try {
    const path = `/api/changes${encodeQuery(kinds === undefined ? {} : { kinds })}`;
    const open = await openRequest(settings, { method: "GET", path, signal: stop.signal });
    if (stop.signal.aborted) return printFailure ?? 0;
    if (open instanceof CliFailure) return open;
    if (open.status !== SUCCESS) {
      const answer = await collectAnswer(open);
      return answer instanceof NoAnswer ? failed(answer.why) : describeRefusal(answer.status, answer.body);
    }
    await printChanges(open.response, sink);
    return printFailure ?? (stop.signal.aborted ? 0 : failed("the connection was lost: changes may have been missed"));
  } finally {
    restoreSignals();
    sink.close();
  }
}
