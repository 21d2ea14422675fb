/** The calls about evidence: records of commands that ran. */
import type { CallOptions } from "./deadline.js";
import type { Transport } from "./transport.js";
import type { EvidenceQuery, EvidenceRecord, ListedEvidence, NewEvidence } from "./types.js";

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

  /** Lists records, the newest first, without their output. */
  list(options: EvidenceListOptions = {}): Promise<ListedEvidence[]> {
    const { signal, timeoutMs, ...query } = options;
    return this.#transport.json({ method: "GET", path: PATH, query }, { signal, timeoutMs });
  }

  /** Returns one record, with the end of its output. */
  get(id: number, options?: CallOptions): Promise<EvidenceRecord> {
    return this.#transport.json({ method: "GET", path: `${PATH}/${id}` }, options);
  }
}
