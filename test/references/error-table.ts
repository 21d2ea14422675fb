/** Makes the table of the statuses with which the server rejects a request. Pure. */
import { REASON_PHRASES, STATUSES, type StatusRow } from "../../schemas/status.js";
import type { GeneratedTable, Row } from "./generated-table.js";

/** Returns the statuses of errors, in order, each with the exit code of the command line. */
function errorStatuses(): ReadonlyMap<number, number> {
  const rows: StatusRow[] = Object.values(STATUSES);
  // A client that has closed its connection gets no answer.
  const sent = rows.filter(({ http }) => http >= 400 && http !== STATUSES.CANCELLED.http);
  return new Map(sent.toSorted((a, b) => a.http - b.http).map(({ http, exit }) => [http, exit]));
}

/** The meaning of a status is prose of the page. A new status begins without a meaning, which the test reports. */
export const ERROR_TABLE: GeneratedTable = {
  page: "http-api.md",
  name: "errors",
  head: ["status", "name", "exit code", "when"],
  rows: (shown) => {
    const meanings = new Map(shown.map(([status = "", , , when = ""]) => [status, when]));
    return [...errorStatuses()].map(([http, exit]): Row => {
      const status = String(http);
      return [status, REASON_PHRASES[http] ?? "", String(exit), meanings.get(status) ?? ""];
    });
  },
};
