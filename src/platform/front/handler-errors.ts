/**
 * Turns an exception of a route's handler into the failure that the client gets. An exception is a bug, unless the
 * process could not open a file or a connection. Runs on the front.
 */
import { SHORTAGE_REPORT_MS } from "../../../schemas/limits/process.js";
import { isShortage } from "../../base/descriptors.js";
import type { Log } from "../../base/log.js";
import { reasonOf, traceOf } from "../../base/reason.js";
import { Failure } from "../../base/result.js";
import { SparseReport } from "../../base/sparse-report.js";
import type { Route } from "./route.js";

const SHORT = new Failure("RESOURCE_EXHAUSTED", "the server cannot open what this needs now, try again");
const BUG = new Failure("INTERNAL", "internal error");

export class HandlerErrors {
  readonly #log: Log;
  readonly #onBug: (error: unknown) => void;
  readonly #shortage: SparseReport;

  /** @param onBug called with each exception that is a bug */
  constructor(log: Log, onBug: (error: unknown) => void) {
    this.#log = log;
    this.#onBug = onBug;
    this.#shortage = new SparseReport(SHORTAGE_REPORT_MS, (requests, error) =>
      log.error("requests are refused: the server cannot open what they need", { error: reasonOf(error), requests }),
    );
  }

  /** Logs an exception. Returns a failure without the text of the exception, because clients must not see it. */
  failureOf(route: Pick<Route, "name">, error: unknown): Failure {
    if (isShortage(error)) {
      this.#shortage.report(error);
      return SHORT;
    }
    this.#log.error("request failed", { route: route.name, error: traceOf(error) });
    this.#onBug(error);
    return BUG;
  }
}
