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

  /** A record whose answer was lost is not sent again, because there would be two. */
  record(evidence: NewEvidence, options?: CallOptions): Promise<EvidenceRecord> {
    return this.#transport.json({ method: "POST", path: PATH, json: evidence }, options);
  }

  /** The newest records first, without their output. */
  list(options: EvidenceListOptions = {}): Promise<ListedEvidence[]> {
    const { signal, timeoutMs, ...query } = options;
    return this.#transport.json({ method: "GET", path: PATH, query }, { signal, timeoutMs });
  }

  /** One record, with the end of its output. */
  get(id: number, options?: CallOptions): Promise<EvidenceRecord> {
    return this.#transport.json({ method: "GET", path: `${PATH}/${id}` }, options);
  }
}
