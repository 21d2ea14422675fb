/** Serves publishing, the event history, long polls and subscriptions. Runs on the front. */
import type { Static } from "typebox";
import type {
  Chain,
  CommittedEvent,
  EventHistoryQuery,
  EventHistoryRequest,
  NewEvent,
  PublishBodies,
  SubscribeQuery,
} from "../../../schemas/events.js";
import { EVENT_ID, HOPS } from "../../../schemas/events.js";
import { EVENT_ROWS_DEFAULT } from "../../../schemas/limits/events.js";
import { must } from "../../base/assert.js";
import type { Log } from "../../base/log.js";
import { Failure, invalid } from "../../base/result.js";
import type { Caller } from "../../platform/front/caller.js";
import { jsonReply, listReply, wholeListReply } from "../../platform/front/reply.js";
import { authorOf } from "../../platform/front/roles.js";
import type { Answer, Request } from "../../platform/front/route.js";
import type { CallContext } from "../../platform/rpc/frames.js";
import type { Reads } from "../../platform/threads/reads.js";
import type { Writer } from "../../platform/threads/writer.js";
import { compilePattern, type Pattern } from "../../platform/topics/pattern.js";
import { publishEvents } from "./commands.js";
import type { Hub } from "./hub.js";
import { encodeEvent } from "./encode.js";
import type { EventHistory } from "./history.js";
import { waitForEvents } from "./long-poll.js";
import { refuseNames } from "./reserved.js";
import { eventReader, type EventReader } from "./table.js";
import type { FeedSources } from "./feed.js";
import { encodeLag, type Subscription } from "./subscription.js";

export interface EventsFrontOptions {
  /** True if the server requires tokens. */
  readonly guarded: boolean;
  readonly writer: Writer;
  readonly reads: Reads;
  readonly hub: Hub;
  readonly history: EventHistory;
  readonly log: Log;
  /** The read barrier of a cluster node, as for feeds; null on a single server. */
  readonly readBarrier: FeedSources["readBarrier"];
}

const LAGGED_TOPIC = "koor.lagged";
const SERVER = "koor";

type PublishCall = Pick<
  Request<readonly string[], unknown, "x-koor-hops", Static<typeof PublishBodies>>,
  "free" | "json" | "headers" | "context" | "caller"
>;
type HistoryCall = Pick<Request<readonly string[], Static<typeof EventHistoryQuery>>, "query" | "context" | "onAbort">;

/** Parses a subscription. Fails with 400 if its pattern is malformed. */
export function subscriptionOf(
  { pattern: text = "", since, notices }: Static<typeof SubscribeQuery>,
  lastEventId = "",
): Subscription | Failure {
  if (lastEventId !== "" && !EVENT_ID.test(lastEventId)) return invalid("Last-Event-ID must be a non-negative integer");
  const pattern = compilePattern(text);
  if (pattern instanceof Failure) return pattern;
  return { pattern, since: lastEventId === "" ? (since ?? null) : Number(lastEventId), notices: notices === 1 };
}

/**
 * Returns the chain of webhook deliveries that led to a publish call; null if no webhook led to it. If the chain is too
 * long, it ends here: the webhooks that would continue it are disabled. A caller with an instance's token cannot cause
 * this, because it is not trusted to disable webhooks.
 */
function chainOf(hops: number, { role }: Caller, guarded: boolean): Chain | null {
  return hops === 0 ? null : { hops, trusted: role !== "instance", guarded };
}

export class EventsFront {
  readonly #options: EventsFrontOptions;
  readonly #stored: EventReader;

  constructor(options: EventsFrontOptions) {
    this.#options = options;
    this.#stored = options.reads.model(eventReader);
  }

  publish({ free, json, headers: { "x-koor-hops": hops }, context, caller }: PublishCall): Answer | Promise<Answer> {
    if (hops !== "" && !HOPS.test(hops)) return invalid("X-Koor-Hops must be a non-negative integer");
    const many = Array.isArray(json);
    const bodies = many ? json : [json];
    for (const [at, body] of bodies.entries()) {
      const refusal = refuseNames(body, many ? `[${at}].` : "");
      if (refusal !== null) return refusal;
    }
    const { guarded, writer, hub, log } = this.#options;
    const full = hub.refusePublish();
    if (full !== null) return full;
    const events: NewEvent[] = bodies.map(({ topic, source }, at) => ({
      topic,
      // Take the text of `data` from `free`, in which numbers still have the publisher's digits.
      data: free[at] ?? "null",
      source: authorOf(guarded, { caller, context }, source),
    }));
    const chain = chainOf(Number(hops), caller, guarded);
    return new Promise((resolve) => {
      writer.call(publishEvents, { events, chain }, context, (reply) => {
        if (reply instanceof Failure) {
          resolve(reply);
          return;
        }
        const published = reply.ids.map((id) => must(this.#committed(id), "a committed event is stored"));
        if (log.infos) for (const { topic, id } of published) log.info("event published", { topic, id });
        const answer = many ? `[${published.map((event) => event.text).join(",")}]` : (published[0]?.text ?? "");
        resolve(jsonReply(answer, 200, { events_published: events.length }));
      });
    });
  }

  /** Returns the event that the writer has just committed under this id for a publish call. */
  #committed(id: number): CommittedEvent | undefined {
    // The writer's reply and the new events arrive together, so the hub usually has not sent the events out yet.
    const accepted = this.#options.hub.acceptedWith(id);
    if (accepted !== undefined) return accepted;
    const [row] = this.#stored.after(id - 1, id, 1).rows;
    return row === undefined ? undefined : encodeEvent(row);
  }

  history(request: HistoryCall): Answer | Promise<Answer> {
    const { after = null, wait = 0 } = request.query;
    return after !== null && wait > 0 && this.#isAhead(after) ? this.#waitAhead(after, request) : this.#read(request);
  }

  async #waitAhead(after: number, request: HistoryCall): Promise<Answer> {
    const { hub, readBarrier } = this.#options;
    // Wait for the read barrier. The cursor may name an event that another node published and that this node has not
    // applied yet.
    if (readBarrier !== null) await new Promise<void>((resolve) => readBarrier(resolve));
    return this.#isAhead(after) ? jsonReply(`[${this.#lagged(hub.acceptedId)}]`) : this.#read(request);
  }

  /**
   * Returns whether the id is larger than the id of every event. Also reads the database, because the writer may have
   * committed events that it has not reported yet.
   */
  #isAhead(after: number): boolean {
    return after > this.#options.hub.acceptedId && after > this.#stored.lastId;
  }

  /**
   * Encodes the reply to a client whose cursor is ahead of all events. The reply is one event with the topic
   * LAGGED_TOPIC. The client continues after the id of this event.
   */
  #lagged(lastId: number): string {
    const createdAt = this.#stored.timeOf(lastId) ?? 0;
    return encodeEvent({
      id: lastId,
      topic: LAGGED_TOPIC,
      created_at: createdAt,
      source: SERVER,
      data: encodeLag(lastId),
    }).text;
  }

  #read({ query, context, onAbort }: HistoryCall): Answer | Promise<Answer> {
    const pattern = compilePattern(query.topic ?? "");
    if (pattern instanceof Failure) return pattern;
    const {
      after = null,
      before = null,
      from = null,
      to = null,
      source = null,
      last = EVENT_ROWS_DEFAULT,
      wait = 0,
    } = query;
    const limits = { after, before, from, to, source, last };
    const read: EventHistoryRequest = { pattern: pattern.text, or_patterns: [], ...limits };
    const full = wait > 0 ? this.#options.hub.refuse(pattern) : null;
    if (full !== null) return full;
    if (wait > 0) return this.#wait(pattern, read, wait, context, onAbort);
    return listReply(this.#options.history.read(read, context));
  }

  async #wait(
    pattern: Pattern,
    read: EventHistoryRequest,
    waitS: number,
    context: CallContext,
    onAbort: (listener: () => void) => void,
  ): Promise<Answer> {
    const { hub, history } = this.#options;
    // A client without a cursor waits for the next event, so start after the newest event.
    const cursor = { ...read, after: read.after ?? hub.lastId };
    const answer = await waitForEvents(hub, pattern, waitS * 1000, () => history.readWhole(cursor, context), onAbort);
    return answer instanceof Failure ? answer : wholeListReply(answer);
  }
}
