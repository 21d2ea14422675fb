/**
 * Finds the messages that hooks have not reported to their recipients yet. A reported message counts as delivered, but
 * not as read. Runs on the front.
 *
 * Most hooks find nothing new. So an agent's in-box is read only if a message has arrived since the previous read.
 */
import { HOOK_BOXES_MAX, HOOK_MESSAGES_MAX } from "../../../schemas/limits/hooks.js";
import type { MessageBoxes } from "../messages/boxes.js";
import { deliverMessages } from "../messages/commands.js";
import type { MessageReader, UndeliveredMessage } from "../messages/table.js";
import type { CallContext } from "../../platform/rpc/frames.js";
import type { Writer } from "../../platform/threads/writer.js";
import type { ReportedOnce } from "./reported-once.js";

interface Box {
  /** True if there may be messages that were not reported to the agent. */
  mayHaveMore: boolean;
  /** True if there may be urgent messages that were not reported to the agent. */
  mayHaveUrgent: boolean;
  readonly unlisten: () => void;
}

export interface InboxOptions {
  readonly writer: Writer;
  readonly boxes: MessageBoxes;
  readonly reader: Pick<MessageReader, "undelivered">;
  readonly reported: ReportedOnce;
}

export class Inbox {
  readonly #options: InboxOptions;
  /** The in-boxes of agents, in the order in which they were first read. */
  readonly #boxes = new Map<string, Box>();

  constructor(options: InboxOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#boxes.size;
  }

  /**
   * Returns messages that were not reported to an agent, requests first.
   * @param urgent whether only requests and messages of high importance are returned
   */
  undelivered(instance: string, urgent: boolean, nowMs: number): UndeliveredMessage[] {
    const box = this.#boxOf(instance);
    if (urgent ? !box.mayHaveUrgent : !box.mayHaveMore) return [];
    const read = this.#options.reader.undelivered(instance, urgent, nowMs, HOOK_MESSAGES_MAX);
    if (read.length === 0) {
      box.mayHaveUrgent = false;
      if (!urgent) box.mayHaveMore = false;
    }
    const { reported } = this.#options;
    // Leave out messages that were reported already. The writer may not have stored their delivery yet.
    const fresh = read.filter(({ row }) => !reported.has(instance, thingOf(row)));
    return [...fresh.filter(isRequest), ...fresh.filter((message) => !isRequest(message))];
  }

  /** Records that messages are reported to an agent. Does not wait for the writer. */
  report(instance: string, messages: readonly UndeliveredMessage[], { trace }: CallContext): void {
    if (messages.length === 0) return;
    const rows = messages.map(({ row }) => row);
    for (const row of rows) this.#options.reported.add(instance, thingOf(row));
    // The reply does not matter. The agent has got the message, even if its delivery could not be stored.
    this.#options.writer.callUnawaited(deliverMessages, { instance, messages: rows }, { actor: instance, trace });
  }

  #boxOf(instance: string): Box {
    const known = this.#boxes.get(instance);
    if (known !== undefined) return known;
    const box: Box = {
      mayHaveMore: true,
      mayHaveUrgent: true,
      unlisten: this.#options.boxes.listen("in", instance, {
        wake: () => {
          box.mayHaveMore = true;
          box.mayHaveUrgent = true;
        },
      }),
    };
    this.#boxes.set(instance, box);
    if (this.#boxes.size > HOOK_BOXES_MAX) {
      for (const [oldest, { unlisten }] of this.#boxes) {
        unlisten();
        this.#boxes.delete(oldest);
        break;
      }
    }
    return box;
  }
}

export function isRequest({ intent }: Pick<UndeliveredMessage, "intent">): boolean {
  return intent === "request";
}

function thingOf(row: number): string {
  return `message\0${row}`;
}
