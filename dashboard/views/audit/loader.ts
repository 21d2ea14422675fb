/** Loads the data of the audit view: the rows, their summary, and all rows of a filter for an export. */
import { getJson } from "../../api/client.js";
import { apiPath } from "../../base/path.js";
import { History, PAGE_ROWS_MAX } from "../../api/history.js";
import type { Loader } from "../../api/resource.js";
import type { AuditEntry, AuditSummary } from "../../api/types.js";
import type { HistoryOptions } from "../../api/use-history.js";
import { askedOf, type AuditFilter } from "./model.js";

const PAGE_ROWS = 100;
/**
 * The number of rows per request if the page itself filters the rows. It is larger than PAGE_ROWS, because the page
 * then shows only some of the rows.
 */
const SIFTED_ROWS = 1_000;

/**
 * Returns the options for reading the rows that match the server's filter. The rows are kept up to date unless the
 * range has an end.
 */
export function auditLog(filter: AuditFilter): HistoryOptions<AuditEntry> {
  const pageRows = filter.outcome === "" && filter.search === "" ? PAGE_ROWS : SIFTED_ROWS;
  return {
    key: `${pageRows} ${askedOf(filter)}`,
    kinds: filter.to === "" ? ["audit"] : [],
    pageRows,
    read: ({ limit, to }, signal) => readPage({ ...filter, to: to ?? filter.to }, limit, signal),
    idOf: ({ id }) => id,
    timeOf: ({ timestamp }) => timestamp,
  };
}

function readPage(filter: AuditFilter, limit: number, signal: AbortSignal): Promise<readonly AuditEntry[]> {
  return getJson(`${apiPath("audit")}?limit=${limit}&${askedOf(filter)}`, signal);
}

/**
 * Reads the newest rows that match the server's filter, at most `most`. Also returns whether there are more.
 * @throws ApiError if a request fails
 */
export async function readForExport(
  filter: AuditFilter,
  most: number,
): Promise<{ readonly rows: readonly AuditEntry[]; readonly more: boolean }> {
  const history = new History({ ...auditLog(filter), pageRows: PAGE_ROWS_MAX, rowsMax: most + 1 });
  await history.refresh();
  while (!history.complete.value && !history.full && history.error.value === null) await history.older();
  if (history.error.value !== null) throw history.error.value;
  const rows = history.rows.value ?? [];
  return { rows: rows.slice(0, most), more: rows.length > most };
}

/** The maximum number of bars of the histogram. */
const BUCKETS = 90;

/** Loads the summary of the rows that match the server's filter, with a histogram. */
export function summaryLoader(filter: AuditFilter): Loader<AuditSummary> {
  const asked = askedOf(filter);
  return {
    key: `audit summary ${asked}`,
    kinds: filter.to === "" ? ["audit"] : [],
    gapMsMin: 2_000,
    fetch: (signal) => getJson(`${apiPath("audit", "summary")}?buckets=${BUCKETS}&${asked}`, signal),
  };
}
