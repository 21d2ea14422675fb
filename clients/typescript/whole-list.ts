/**
 * Reads a list completely, in as many requests as it needs. The server ends an answer at the `limit` of its request, or
 * when the answer would be too long, and then names the query parameters of the next part in a header. A list without
 * `limit` may have a default number of rows on the server, so the library requests pages of its own size instead.
 */
import type { CallOptions } from "./deadline.js";
import { textOf, type Query, type Transport } from "./transport.js";

const NEXT_HEADER = "x-koor-next";
/** The number of rows that are requested at once, if the caller has not limited the list. */
const PAGE_ROWS = 1000;

export interface ListPlan {
  readonly path: string;
  readonly query: Query;
  /** The member of an answer that has the rows; absent if the answer itself is the list. */
  readonly member?: string;
  /** Whether the list has a default number of rows on the server. The library then requests pages of its own size. */
  readonly paged?: true;
  /** The query parameter that limits the number of rows; `limit` by default. */
  readonly limit?: string;
  /** The number of rows without a limit; all by default. */
  readonly rowsDefault?: number;
  /** How long the server may hold the first request, in ms. */
  readonly waitMs?: number;
}

/** Returns the rows of an answer. */
function rowsOf<Row>(answer: unknown, member: string | undefined): readonly Row[] {
  return (member === undefined ? answer : (answer as Readonly<Record<string, unknown>>)[member]) as readonly Row[];
}

/** Yields the answers that have the parts of a list. All requests together have the time limit of one call. */
async function* readParts(
  transport: Transport,
  { path, query, member, paged, limit = "limit", rowsDefault, waitMs = 0 }: ListPlan,
  options: CallOptions,
): AsyncGenerator<unknown, void, undefined> {
  const asked = query[limit] as number | undefined;
  const pageRows = asked ?? (paged && PAGE_ROWS);
  let left = asked ?? rowsDefault ?? Number.POSITIVE_INFINITY;
  const first = { method: "GET", path, query: { ...query, [limit]: pageRows }, waitMs };
  const startMs = performance.now();
  let answer = await transport.send(first, options);
  // The server may have held only the first request.
  const endsMs = transport.timeoutMs(options) + (waitMs === 0 ? startMs : performance.now());
  for (;;) {
    const parsed: unknown = JSON.parse(textOf(answer.bytes));
    yield parsed;
    left -= rowsOf(parsed, member).length;
    const next = answer.headers.get(NEXT_HEADER);
    if (left <= 0 || next === null) return;
    const position = Object.fromEntries(new URLSearchParams(next));
    const parameters = { ...query, wait: undefined, [limit]: Number.isFinite(left) ? left : pageRows, ...position };
    const timeoutMs = Math.max(0, endsMs - performance.now());
    answer = await transport.send({ method: "GET", path, query: parameters }, { signal: options.signal, timeoutMs });
  }
}

/** Returns the rows of all parts of a list; with a limit at most that many. */
export async function wholeList<Row>(transport: Transport, plan: ListPlan, options: CallOptions = {}): Promise<Row[]> {
  const rows: Row[] = [];
  for await (const answer of readParts(transport, plan, options))
    for (const row of rowsOf<Row>(answer, plan.member)) rows.push(row);
  return rows;
}

/** Like `wholeList`, but returns the first answer with all rows, and with the other members of the last answer. */
export async function wholeAnswer<Answer extends object>(
  transport: Transport,
  plan: ListPlan & { readonly member: string },
  options: CallOptions = {},
): Promise<Answer> {
  const rows: unknown[] = [];
  const others: Record<string, unknown> = {};
  for await (const answer of readParts(transport, plan, options)) {
    for (const row of rowsOf(answer, plan.member)) rows.push(row);
    Object.assign(others, answer);
  }
  return { ...others, [plan.member]: rows } as unknown as Answer;
}
