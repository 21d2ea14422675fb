/** Makes the table of the statuses with which the server rejects a request. Pure. */
import { REASON_PHRASES, STATUSES, type StatusRow } from "../../schemas/status.js";
import type { GeneratedTable, Row } from "./generated-table.js";

/** Returns the statuses of errors, in order, each with its exit codes of the command line. */
function errorStatuses(): ReadonlyMap<number, ReadonlySet<number>> {
  const rows: StatusRow[] = Object.values(STATUSES);
  // A client that has closed its connection gets no answer.
  const sent = rows.filter(({ http }) => http >= 400 && http !== STATUSES.CANCELLED.http);
  const statuses = [...new Set(sent.map(({ http }) => http))].toSorted((a, b) => a - b);
  const exitsOf = (status: number) => new Set(sent.filter(({ http }) => http === status).map(({ exit }) => exit));
  return new Map(statuses.map((status) => [status, exitsOf(status)]));
}

/** The meaning of a status is prose of the page. A new status begins without a meaning, which the test reports. */
export const ERROR_TABLE: GeneratedTable = {
  page: "http-api.md",
  name: "errors",
  head: ["status", "name", "exit code", "when"],
  rows: (shown) => {
    const meanings = new Map(shown.map(([status = "", , , when = ""]) => [status, when]));
    return [...errorStatuses()].map(([http, exits]): Row => {
      const status = String(http);
      return [status, REASON_PHRASES[http] ?? "", [...exits].join(" or "), meanings.get(status) ?? ""];
    });
  },
};
