/**
 * Handles the HTTP requests about the changes of checkouts. The writer stores and compares a report, and the worker
 * pool lists the overlaps. Runs on the front.
 */
import type { Static } from "typebox";
import { RADAR_INSTANCES_MAX, RADAR_KEEP_MS } from "../../../schemas/limits/radar.js";
import { FRONT_JSON_BYTES_MAX } from "../../../schemas/limits/request-bodies.js";
import type { CheckedReport, RadarQuery } from "../../../schemas/radar.js";
import { buffersOf, packBytes } from "../../base/bytes.js";
import type { Clock } from "../../base/clock.js";
import { Failure, notFound } from "../../base/result.js";
import { areShapesLoaded, loadShapes } from "../../base/shape.js";
import { shorten } from "../../../shared/shorten.js";
import { formatTime } from "../../base/time.js";
import { sentWorkspace } from "../../base/workspace-header.js";
import { jsonReply, listReply } from "../../platform/front/reply.js";
import { mayAll, tokenOwnerOf } from "../../platform/front/roles.js";
import type { Answer, Request } from "../../platform/front/route.js";
import { callerOf, type CallContext } from "../../platform/rpc/frames.js";
import type { Reads } from "../../platform/threads/reads.js";
import type { Writer } from "../../platform/threads/writer.js";
import type { Directory } from "../instances/directory.js";
import { type Entry, lastSeenAt } from "../instances/entry.js";
import { reportChanges } from "./commands.js";
import { checkReport, findOverlaps, readChanges } from "./jobs.js";
import { checkoutSeenAt } from "./life.js";
import { readReport } from "./read-report.js";
import type { RadarReader } from "./table.js";

export interface RadarFrontOptions {
  /** Whether the server requires tokens. */
  readonly guarded: boolean;
  readonly writer: Writer;
  readonly reads: Reads;
  readonly reader: Pick<RadarReader, "checkoutsOf">;
  readonly directory: Directory;
  readonly clock: Clock;
}

const NOT_YOURS = new Failure(
  "PERMISSION_DENIED",
  "this needs the server token, or the token of an instance that works in this checkout",
);

export class RadarFront {
  readonly #options: RadarFrontOptions;

  constructor(options: RadarFrontOptions) {
    this.#options = options;
  }

  /** Stores the report of a checkout, and replies with its overlaps. */
  async report(
    checkout: string,
    { body, caller, context }: Pick<Request, "body" | "caller" | "context">,
  ): Promise<Answer> {
    if (!this.#mayReport(checkout, caller)) return NOT_YOURS;
    const read = await this.#read(body, context);
    if (read instanceof Failure) return read;
    const reply = await this.#options.writer.request(reportChanges, { checkout, ...read }, context);
    if (reply instanceof Failure) return reply;
    return this.#list({ workspace: read.workspace, checkout, named: true }, context);
  }

  /** Replies with the last report of a checkout. */
  async changes(checkout: string, context: CallContext): Promise<Answer> {
    const { reads, directory, clock } = this.#options;
    const found = await reads.pool.run(readChanges, { checkout }, { caller: callerOf(context) });
    if (found instanceof Failure) return found;
    if (found === null) return notFound(`checkout not found: ${shorten(checkout)}`);
    const seenMs = Math.max(found.reported_at, checkoutSeenAt(directory, checkout, clock.now()));
    return jsonReply(`${found.text},"expires_at":"${formatTime(seenMs + RADAR_KEEP_MS)}"}`);
  }

  /** Replies with the overlaps in a workspace, or with those of one checkout. */
  overlaps(query: Static<typeof RadarQuery>, header: string, context: CallContext): Answer | Promise<Answer> {
    const fallback = sentWorkspace(header);
    if (fallback instanceof Failure) return fallback;
    const own = this.#options.directory.get(context.actor)?.workspace;
    const { workspace = own ?? fallback, checkout = null } = query;
    return this.#list({ workspace, checkout, named: false }, context);
  }

  #list(
    asked: { readonly workspace: string; readonly checkout: string | null; readonly named: boolean },
    context: CallContext,
  ): Answer | Promise<Answer> {
    const { reads, reader } = this.#options;
    const instances: Record<string, string> = {};
    for (const checkout of reader.checkoutsOf(asked.workspace)) instances[checkout] = this.#agentsIn(checkout);
    return listReply(reads.pool.stream(findOverlaps, { ...asked, instances }, context));
  }

  /**
   * Returns whether a caller may report for a checkout. An instance may report for its own checkout, and for a checkout
   * in which no registered instance works.
   */
  #mayReport(checkout: string, caller: Request["caller"]): boolean {
    const { guarded, directory } = this.#options;
    if (mayAll(guarded, caller)) return true;
    const own = [caller.actor, tokenOwnerOf(caller)];
    if (own.some((id) => directory.get(id)?.checkout?.id === checkout)) return true;
    return directory.inCheckout(checkout).size === 0;
  }

  /** Reads the body of a report. The front reads a short body itself; the worker pool reads a long one. */
  async #read(body: Uint8Array, context: CallContext): Promise<CheckedReport | Failure> {
    if (body.byteLength <= FRONT_JSON_BYTES_MAX) {
      if (!areShapesLoaded()) await loadShapes();
      return readReport(body);
    }
    const packed = packBytes(body);
    const options = { transfer: buffersOf(packed), caller: callerOf(context) };
    return this.#options.reads.pool.run(checkReport, { body: packed }, options);
  }

  /** Returns the agents that work in a checkout as JSON text, in the order of their registration. */
  #agentsIn(checkout: string): string {
    const { directory, clock } = this.#options;
    const sinceMs = clock.now() - RADAR_KEEP_MS;
    const isAtWork = (entry: Entry): boolean =>
      (entry.session?.ended_at ?? null) === null && lastSeenAt(entry, clock.now()) > sinceMs;
    const entries = [...directory.inCheckout(checkout)].filter(isAtWork).sort((a, b) => a.row - b.row);
    return JSON.stringify(entries.slice(0, RADAR_INSTANCES_MAX).map(({ id, name }) => ({ id, name })));
  }
}
