/**
 * Builds the reply to a request for a list of leases. The list has at most the requested number of leases, and at most
 * LIST_BYTES_MAX. Runs on the front.
 */
import { LIST_BYTES_MAX, WHOLE_ANSWER_BYTES_MAX } from "../../../schemas/limits/answers.js";
import type { LeaseRecord } from "../../../schemas/leases.js";
import { cursor } from "../../base/json-array.js";
import { leaseId } from "../claims/lease.js";
import type { WholeText } from "../../platform/threads/reads.js";

export class LeaseList {
  readonly #show: (record: LeaseRecord) => unknown;
  readonly #limit: number;
  readonly #texts: string[] = [];
  #bytes = 0;
  #last = 0;
  #isTooLong = false;

  constructor(show: (record: LeaseRecord) => unknown, limit: number) {
    this.#show = show;
    this.#limit = limit;
  }

  /** True if the list accepts no more leases. */
  get ended(): boolean {
    return this.#isTooLong || this.#texts.length === this.#limit;
  }

  /** True if the list is so long that only few such lists may be in memory. */
  get isLong(): boolean {
    return this.#bytes > WHOLE_ANSWER_BYTES_MAX;
  }

  add(record: LeaseRecord): void {
    const text = JSON.stringify(this.#show(record));
    this.#bytes += Buffer.byteLength(text);
    if (this.#texts.length > 0 && this.#bytes > LIST_BYTES_MAX) {
      this.#isTooLong = true;
      return;
    }
    this.#texts.push(text);
    this.#last = record.row;
  }

  /** Returns the reply. If more leases may follow, the reply has a cursor for the next request. */
  end(): WholeText<string | null> {
    const next = this.ended ? cursor("after", leaseId(this.#last)) : null;
    return { text: `{"leases":[${this.#texts.join(",")}]}`, reply: next };
  }
}
