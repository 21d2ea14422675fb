/**
 * Handles the HTTP requests about the changes of checkouts. The writer stores and compares a report, and the worker pool
 * lists the overlaps. Runs on the front.
 */
import type { Static } from "typebox";
import { RADAR_INSTANCES_MAX, RADAR_KEEP_MS } from "../../../schemas/limits/radar.js";
import type { ChangesBody, RadarQuery } from "../../../schemas/radar.js";
import type { Clock } from "../../base/clock.js";
import { pathProblem } from "../../base/path-problem.js";
import { Failure, invalid, notFound } from "../../base/result.js";
import { shorten } from "../../base/shorten.js";
import { formatTime } from "../../base/time.js";
import { TimeSlice } from "../../base/time-slice.js";
import { sentWorkspace } from "../../base/workspace-header.js";
import { jsonReply, listReply } from "../../platform/front/reply.js";
import { mayAll, tokenOwnerOf } from "../../platform/front/roles.js";
import type { Answer, Request } from "../../platform/front/route.js";
import { callerOf, type CallContext } from "../../platform/rpc/frames.js";
import type { Reads } from "../../platform/threads/reads.js";
import type { Writer } from "../../platform/threads/writer.js";
import { type Directory, type Entry, lastSeenAt } from "../instances/directory.js";
import { reportChanges } from "./commands.js";
import { findOverlaps, readChanges } from "./jobs.js";
import { checkoutSeenAt } from "./life.js";
import type { RadarReader } from "./table.js";

export interface RadarFrontOptions {
  /** Whether the server checks tokens at all. */
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
  readonly #slice = new TimeSlice();

  constructor(options: RadarFrontOptions) {
    this.#options = options;
  }

  /** Stores the report of a checkout, and replies with its overlaps. */
  async report(
    checkout: string,
    { workspace, branch = null, base = null, files }: ChangesBody,
    { caller, context }: Pick<Request, "caller" | "context">,
  ): Promise<Answer> {
    if (!this.#mayReport(checkout, caller)) return NOT_YOURS;
    const stored = await this.#storedFiles(files);
    if (stored instanceof Failure) return stored;
    const { writer } = this.#options;
    const reply = await writer.request(reportChanges, { checkout, workspace, branch, base, files: stored }, context);
    return reply instanceof Failure ? reply : this.#list({ workspace, checkout, named: true }, context);
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

  /** Replies with the overlaps of a workspace, or of one of its checkouts. */
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
   * Whether a caller may report for a checkout. An instance's token may report for the instance's own checkout, and for
   * one in which no registered instance works.
   */
  #mayReport(checkout: string, caller: Request["caller"]): boolean {
    const { guarded, directory } = this.#options;
    if (mayAll(guarded, caller)) return true;
    const own = [caller.actor, tokenOwnerOf(caller)];
    if (own.some((id) => directory.get(id)?.checkout?.id === checkout)) return true;
    for (const _other of directory.inCheckout(checkout)) return false;
    return true;
  }

  /**
   * Checks the paths of a report, and encodes its files as they are stored. There may be 128,000 ranges, so it lets
   * other requests run in between.
   */
  async #storedFiles(files: ChangesBody["files"]): Promise<string | Failure> {
    const texts: string[] = [];
    const places = new Map<string, number>();
    for (const [at, { path: given, ranges, deleted, blob }] of files.entries()) {
      await this.#slice.yieldIfOver();
      const problem = pathProblem(given);
      if (problem !== null) return invalid(`files[${at}].path ${problem}`);
      const path = given.normalize("NFC");
      const before = places.get(path);
      if (before !== undefined) return invalid(`files[${at}].path is the same as files[${before}].path`);
      places.set(path, at);
      // A member that was left out is undefined, and JSON leaves it out.
      texts.push(JSON.stringify({ path, lines: ranges?.flat(), deleted, blob }));
    }
    return `[${texts.join(",")}]`;
  }

  /** Returns the agents that work in a checkout as JSON text, the first registered first. */
  #agentsIn(checkout: string): string {
    const { directory, clock } = this.#options;
    const sinceMs = clock.now() - RADAR_KEEP_MS;
    const isAtWork = (entry: Entry): boolean =>
      (entry.session?.ended_at ?? null) === null && lastSeenAt(entry, clock.now()) > sinceMs;
    const entries = [...directory.inCheckout(checkout)].filter(isAtWork).sort((a, b) => a.row - b.row);
    return JSON.stringify(entries.slice(0, RADAR_INSTANCES_MAX).map(({ id, name }) => ({ id, name })));
  }
}
