/**
 * Lists the overlaps in a workspace as JSON texts, sorted by the two checkouts and by path. Only one checkout at a time
 * is indexed by path. So the memory does not grow with the number of overlaps. Runs in the worker pool.
 */
import { STREAM_CHUNK_CHARACTERS } from "../../../schemas/limits/rpc.js";
import { formatTime } from "../../base/time.js";
import { overlapOf } from "./overlap.js";
import type { Report, ReportedFile } from "./report.js";

/** The reports of a workspace, with the data about their checkouts that an answer shows. */
export interface ListedReports {
  /** The reports, in the order of their checkouts. */
  readonly reports: readonly Report[];
  /**
   * The only checkout whose overlaps are listed, as the member `a` of each overlap. If it is null, the overlaps of all
   * checkouts are listed.
   */
  readonly checkout: string | null;
  /** The agents of each checkout as JSON text. */
  readonly instances: Readonly<Record<string, string>>;
}

/** One of the two checkouts of an overlap. `head` is its JSON text up to the ranges. */
interface Side {
  readonly report: Report;
  readonly head: string;
}

/**
 * A file of the first checkout. `text` is its part of the JSON text. It is built once and used with each other
 * checkout.
 */
interface ListedFile {
  readonly file: ReportedFile;
  text: string | null;
}

/**
 * Yields the JSON texts of the overlaps. One text contains several overlaps of the same two checkouts, separated by
 * commas. A text for each overlap would double the cost, because each step of a generator costs about as much as an
 * overlap.
 */
export function* overlapTexts({ reports, checkout, instances }: ListedReports): Generator<string, void, undefined> {
  const sides = reports.map((report) => ({ report, head: headOf(report, instances) }));
  for (const [at, a] of sides.entries()) {
    if (checkout !== null && a.report.checkout !== checkout) continue;
    const files = new Map(a.report.files.map((file) => [file.path, { file, text: null }]));
    for (const b of checkout === null ? sides.slice(at + 1) : sides) if (b !== a) yield* textsOf(a, files, b);
  }
}

function* textsOf(a: Side, files: ReadonlyMap<string, ListedFile>, b: Side): Generator<string, void, undefined> {
  const { base } = a.report;
  const isSameBase = base !== null && base === b.report.base;
  const end = `,"same_base":${isSameBase},"since":"`;
  let text = "";
  let sinceMs = 0;
  let since = formatTime(sinceMs);
  for (const theirs of b.report.files) {
    const own = files.get(theirs.path);
    const kind = own === undefined ? null : overlapOf(own.file, theirs);
    if (own === undefined || kind === null) continue;
    own.text ??= `{"path":${JSON.stringify(theirs.path)},"a":${a.head}${rangesOf(own.file)}},"b":`;
    // Format a time only if it differs from the previous one. Most overlaps of two checkouts began with the same
    // report.
    const beganMs = Math.max(own.file.since, theirs.since);
    if (beganMs !== sinceMs) {
      sinceMs = beganMs;
      since = formatTime(beganMs);
    }
    if (text !== "") text += ",";
    text += `${own.text}${b.head}${rangesOf(theirs)}},"kind":"${kind}"${end}${since}"}`;
    if (text.length < STREAM_CHUNK_CHARACTERS) continue;
    yield text;
    text = "";
  }
  if (text !== "") yield text;
}

function headOf({ checkout, branch }: Report, instances: ListedReports["instances"]): string {
  const agents = Object.hasOwn(instances, checkout) ? instances[checkout] : "[]";
  return `{"checkout":${JSON.stringify(checkout)},"branch":${JSON.stringify(branch)},"instances":${agents},"ranges":`;
}

function rangesOf({ start, end, report: { lines } }: ReportedFile): string {
  let text = "[";
  for (let at = start; at < end; at += 2) text += `${at === start ? "" : ","}[${lines[at]},${lines[at + 1]}]`;
  return `${text}]`;
}
