/** The calls about language models: their usage, and the rate limits of their providers. */
import type { CallOptions } from "./deadline.js";
import type { Transport } from "./transport.js";
import type { NewRateLimit, RateLimit, UsageRecorded, UsageReport } from "./types.js";

const LIMITS_PATH = "/api/llm/limits";

export class Usage {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /**
   * Reports usage. If the answer is lost, the call is repeated only if the report has a `request_id`. Without one, the
   * usage could count twice.
   */
  report(report: UsageReport, options?: CallOptions): Promise<UsageRecorded> {
    const repeatable = report.request_id !== undefined;
    return this.#transport.json({ method: "POST", path: "/api/llm/usage", json: report, repeatable }, options);
  }

  /**
   * Reports that a provider limits the rate of an account; by default, the instance's own account. The server then
   * slows down all agents of the account.
   */
  reportLimit(limit: NewRateLimit, options?: CallOptions): Promise<RateLimit> {
    // The request may be repeated, because a second report replaces the first.
    return this.#transport.json({ method: "POST", path: LIMITS_PATH, json: limit, repeatable: true }, options);
  }

  /** Lists the rate limits that are in effect. */
  async limits(options?: CallOptions): Promise<RateLimit[]> {
    return (await this.#transport.json<{ limits: RateLimit[] }>({ method: "GET", path: LIMITS_PATH }, options)).limits;
  }

  /** Ends a rate limit early. Needs the token of the instance that reported it, or the server's. */
  async endLimit(id: number, options?: CallOptions): Promise<void> {
    await this.#transport.json({ method: "DELETE", path: `${LIMITS_PATH}/${id}` }, options);
  }
}
