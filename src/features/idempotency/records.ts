/**
 * Stores an idempotency record for each call with a `request_id`. The record has the id of the object that the call has
 * created. If a client repeats the call because the answer was lost, it gets the same result. Each kind of result and
 * each caller has its own records. They are kept for REQUEST_MEMORY_MS. Runs in the writer.
 */
import { REQUEST_MEMORY_MS, IDEMPOTENCY_PRUNE_ROWS } from "../../../schemas/limits/idempotency.js";
import { Failure } from "../../base/result.js";
import type { Db, Statement } from "../../platform/store/open.js";
import type { Model } from "../../platform/threads/model.js";

/** The kinds of results. */
export type MadeKind = "lease" | "task" | "claim" | "message" | "usage";

interface RecordRow {
  readonly kind: string;
  readonly made: string;
  readonly at: number;
  readonly hash: string | null;
}

const KEY_REUSED = new Failure("ALREADY_EXISTS", "request_id was used for another request");

export class IdempotencyRecords {
  readonly #find: Statement<[string, string], RecordRow>;
  readonly #insert: Statement<[number, string, string, string, string, string | null], unknown>;
  readonly #oldest: Statement<[], { id: number; at: number }>;
  readonly #deleteById: Statement<[number], unknown>;
  readonly #deleteMade: Statement<[string, string, string], unknown>;

  constructor(db: Db) {
    this.#find = db.prepare(
      `SELECT kind, made, at, hash FROM remembered_request
       WHERE kind IN ('lease', 'task', 'claim', 'message', 'usage') AND caller = ? AND request_id = ?`,
    );
    this.#insert = db.prepare(
      "REPLACE INTO remembered_request (at, kind, caller, request_id, made, hash) VALUES (?, ?, ?, ?, ?, ?)",
    );
    this.#oldest = db.prepare("SELECT id, at FROM remembered_request ORDER BY id LIMIT 1");
    this.#deleteMade = db.prepare("DELETE FROM remembered_request WHERE kind = ? AND caller = ? AND made = ?");
    this.#deleteById = db.prepare("DELETE FROM remembered_request WHERE id = ?");
  }

  /**
   * Returns the result of an earlier call with this request_id; undefined if there is none. Returns a 409 if the
   * request_id was used for a different call.
   * @param caller the id of the instance; "" if the caller is not an instance
   * @param requestId null if the call has none
   * @param hash the hash of the request (hash.ts); "" if it is unknown. Then every call with this request_id counts as
   * a repetition
   */
  find(
    kind: MadeKind,
    caller: string,
    requestId: string | null,
    nowMs: number,
    hash = "",
  ): string | undefined | Failure {
    if (requestId === null) return undefined;
    const known = this.#find.all(caller, requestId).filter(({ at }) => at > nowMs - REQUEST_MEMORY_MS);
    const same = known.find((one) => one.kind === kind);
    if (hash === "") return same?.made;
    const isOther = known.some((one) => one.kind !== kind || (one.hash !== null && one.hash !== hash));
    return isOther ? KEY_REUSED : same?.made;
  }

  /** Deletes the record of a call after its result was undone. */
  delete(kind: MadeKind, caller: string, made: string): void {
    this.#deleteMade.run(kind, caller, made);
  }

  /**
   * Stores the result of a call. Also deletes a few expired records.
   * @param hash the hash of the request, with which `find` compares a repeated call
   */
  store(kind: MadeKind, caller: string, requestId: string | null, made: string, nowMs: number, hash = ""): void {
    if (requestId === null) return;
    this.#insert.run(nowMs, kind, caller, requestId, made, hash === "" ? null : hash);
    for (let count = 0; count < IDEMPOTENCY_PRUNE_ROWS; count++) {
      const oldest = this.#oldest.get();
      if (oldest === undefined || oldest.at > nowMs - REQUEST_MEMORY_MS) return;
      this.#deleteById.run(oldest.id);
    }
  }
}

export const idempotencyRecords: Model<IdempotencyRecords> = { open: ({ db }) => new IdempotencyRecords(db) };
