/** The calls about evidence: records of commands that ran. */
import type { CallOptions } from "./deadline.js";
import type { Transport } from "./transport.js";
import type { EvidenceQuery, EvidenceRecord, ListedEvidence, NewEvidence } from "./types.js";
import { wholeList } from "./whole-list.js";

export interface EvidenceListOptions extends CallOptions, Readonly<EvidenceQuery> {}

const PATH = "/api/evidence";

export class Evidence {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /**
   * Stores a record of a command's run. If the answer is lost, the client does not repeat the call, because it could
   * store a second record.
   */
  record(evidence: NewEvidence, options?: CallOptions): Promise<EvidenceRecord> {
    return this.#transport.json({ method: "POST", path: PATH, json: evidence }, options);
  }

  /** Lists all records that match, the newest first, without their output; with `limit` at most that many. */
  list(options: EvidenceListOptions = {}): Promise<ListedEvidence[]> {
    const { signal, timeoutMs, ...query } = options;
    return wholeList(this.#transport, { path: PATH, query, paged: true }, { signal, timeoutMs });
  }

  /** Returns one record, with the end of its output. */
  get(id: number, options?: CallOptions): Promise<EvidenceRecord> {
    return this.#transport.json({ method: "GET", path: `${PATH}/${id}` }, options);
  }
}
