/**
 * Builds the reply to a request for a list of leases. The list has at most the requested number of leases, and at most
 * LIST_BYTES_MAX. A long list is converted to bytes piece by piece, because joining megabytes of text at its end would
 * delay other requests. Runs on the front.
 */
import { LIST_BYTES_MAX, WHOLE_ANSWER_BYTES_MAX } from "../../../schemas/limits/answers.js";
import type { LeaseRecord } from "../../../schemas/leases.js";
import { STREAM_CHUNK_CHARACTERS } from "../../../schemas/limits/rpc.js";
import { GrowingBytes } from "../../base/growing-bytes.js";
import { cursor } from "../../base/json-array.js";
import { leaseId } from "../claims/lease.js";
import { bytesListReply, wholeListReply } from "../../platform/front/reply.js";
import type { Reply } from "../../platform/front/route.js";

export class LeaseList {
  readonly #show: (record: LeaseRecord) => unknown;
  readonly #limit: number;
  /** The bytes of a long list; null while the list is short. */
  #bytesOfText: GrowingBytes | null = null;
  /** The text that is not in the bytes yet. */
  #text = '{"leases":[';
  #count = 0;
  #bytes = 0;
  #last = 0;
  #isTooLong = false;

  constructor(show: (record: LeaseRecord) => unknown, limit: number) {
    this.#show = show;
    this.#limit = limit;
  }

  /** True if the list accepts no more leases. */
  get ended(): boolean {
    return this.#isTooLong || this.#count === this.#limit;
  }

  /** True if the list is so long that only few such lists may be in memory. */
  get isLong(): boolean {
    return this.#bytes > WHOLE_ANSWER_BYTES_MAX;
  }

  add(record: LeaseRecord): void {
    const text = JSON.stringify(this.#show(record));
    this.#bytes += Buffer.byteLength(text);
    if (this.#count > 0 && this.#bytes > LIST_BYTES_MAX) {
      this.#isTooLong = true;
      return;
    }
    this.#text += this.#count === 0 ? text : `,${text}`;
    this.#count += 1;
    this.#last = record.row;
    if (this.#text.length < STREAM_CHUNK_CHARACTERS) return;
    this.#bytesOfText ??= new GrowingBytes();
    this.#bytesOfText.add(this.#text);
    this.#text = "";
  }

  /** Returns the reply. If more leases may follow, the reply has a cursor for the next request. */
  end(): Reply {
    const next = this.ended ? cursor("after", leaseId(this.#last)) : null;
    const text = `${this.#text}]}`;
    if (this.#bytesOfText === null) return wholeListReply({ text, reply: next });
    this.#bytesOfText.add(text);
    return bytesListReply(this.#bytesOfText, next);
  }
}
