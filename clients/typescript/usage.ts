/** Reports what calls of language models used. */
import type { CallOptions } from "./deadline.js";
import type { Transport } from "./transport.js";
import type { UsageRecorded, UsageReport } from "./types.js";

export class Usage {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** A report whose answer was lost is not sent again, because it would count twice. */
  report(report: UsageReport, options?: CallOptions): Promise<UsageRecorded> {
    return this.#transport.json({ method: "POST", path: "/api/llm/usage", json: report }, options);
  }
}
