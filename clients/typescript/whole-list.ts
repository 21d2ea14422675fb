/**
 * Reads a list completely. The server cuts an answer that would be too long, and names the query parameters of the next
 * part in a header.
 */
import type { CallOptions } from "./deadline.js";
import { textOf, type Query, type Transport } from "./transport.js";

const NEXT_HEADER = "x-koor-next";

/**
 * Returns the rows of all parts of a list. A query with a `limit` requests one page, and gets at most one answer.
 * @param member the member of an answer that has the rows; undefined if the answer itself is the list
 */
export async function wholeList<Row>(
  transport: Transport,
  path: string,
  query: Query,
  member: string | undefined,
  options: CallOptions = {},
): Promise<Row[]> {
  const endsMs = performance.now() + transport.timeoutMs(options);
  const rows: Row[] = [];
  for (let next = ""; ; ) {
    const parameters = { ...query, ...Object.fromEntries(new URLSearchParams(next)) };
    const timeoutMs = Math.max(0, endsMs - performance.now());
    const plan = { method: "GET", path, query: parameters };
    const { bytes, headers } = await transport.send(plan, { signal: options.signal, timeoutMs });
    const answer: unknown = JSON.parse(textOf(bytes));
    const part = member === undefined ? answer : (answer as Readonly<Record<string, unknown>>)[member];
    for (const row of part as readonly Row[]) rows.push(row);
    next = headers.get(NEXT_HEADER) ?? "";
    if (next === "" || query["limit"] !== undefined) return rows;
  }
}
