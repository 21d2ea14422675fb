/**
 * What calls with a `request_id` have made: the same call again, because its answer was lost, is answered with the same
 * thing. Remembered for a while, by kind of thing and caller. Runs in the writer.
 */
import { REQUEST_MEMORY_MS, REQUESTS_FORGOTTEN_TOGETHER } from "../../schemas/limits.js";
import type { Db, Statement } from "../store/open.js";
import type { Model } from "../threads/model.js";

/** Kinds of things that are made so: one request_id may name one of each. */
export type MadeKind = "lease" | "task" | "claim" | "message";

export class RememberedRequests {
  readonly #find: Statement<[string, string, string], { made: string; at: number }>;
  readonly #remember: Statement<[number, string, string, string, string], unknown>;
  readonly #oldest: Statement<[], { id: number; at: number }>;
  readonly #forget: Statement<[number], unknown>;
  readonly #forget_made: Statement<[string, string, string], unknown>;

  constructor(db: Db) {
    this.#find = db.prepare("SELECT made, at FROM remembered_request WHERE kind = ? AND caller = ? AND request_id = ?");
    this.#remember = db.prepare(
      "REPLACE INTO remembered_request (at, kind, caller, request_id, made) VALUES (?, ?, ?, ?, ?)",
    );
    this.#oldest = db.prepare("SELECT id, at FROM remembered_request ORDER BY id LIMIT 1");
    this.#forget_made = db.prepare("DELETE FROM remembered_request WHERE kind = ? AND caller = ? AND made = ?");
    this.#forget = db.prepare("DELETE FROM remembered_request WHERE id = ?");
  }

  /**
   * What such a call has made.
   * @param caller id of the instance, "" where it is none
   * @param request_id null where the call has none
   */
  find(kind: MadeKind, caller: string, request_id: string | null, now_ms: number): string | undefined {
    if (request_id === null) return undefined;
    const found = this.#find.get(kind, caller, request_id);
    return found === undefined || found.at <= now_ms - REQUEST_MEMORY_MS ? undefined : found.made;
  }

  /** Such a call has made nothing after all. */
  forget(kind: MadeKind, caller: string, made: string): void {
    this.#forget_made.run(kind, caller, made);
  }

  remember(kind: MadeKind, caller: string, request_id: string | null, made: string, now_ms: number): void {
    if (request_id === null) return;
    this.#remember.run(now_ms, kind, caller, request_id, made);
    for (let count = 0; count < REQUESTS_FORGOTTEN_TOGETHER; count++) {
      const oldest = this.#oldest.get();
      if (oldest === undefined || oldest.at > now_ms - REQUEST_MEMORY_MS) return;
      this.#forget.run(oldest.id);
    }
  }
}

export const rememberedRequests: Model<RememberedRequests> = { open: ({ db }) => new RememberedRequests(db) };
