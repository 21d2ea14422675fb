/**
 * Executes the writer's calls about the reports of checkouts. It compares each new report with the other reports of its
 * workspace, and publishes the overlaps that appear, get worse or end. Runs in the writer thread.
 *
 * The first call about a workspace reads and decodes its reports. From then on, they stay in memory. The total size of
 * all reports is limited.
 */
import type { ServerTopic } from "../../../schemas/events.js";
import {
  RADAR_BYTES_MAX,
  RADAR_BYTES_OF_WORKSPACE_MAX,
  RADAR_EVENT_PATHS_MAX,
  RADAR_REPORTS_MAX,
  RADAR_REPORTS_OF_WORKSPACE_MAX,
} from "../../../schemas/limits/radar.js";
import {
  type EndReportsRequest,
  OVERLAP_KINDS,
  type OverlapAppeared,
  type OverlapCleared,
  type OverlapNotice,
  type ReportChangesRequest,
} from "../../../schemas/radar.js";
import { Failure } from "../../base/result.js";
import { type Model, type Opening, type Publication, PublishingModel } from "../../platform/threads/model.js";
import type { WriteCall } from "../../platform/threads/writer-method.js";
import { publisher, type Publisher } from "../events/publisher.js";
import { OVERLAPS } from "./push-messages.js";
import { decodeReport, type Report, type ReportHead } from "./report.js";
import { type RadarReader, radarSource, type RadarWriter, radarWriter, type Totals } from "./table.js";
import { type PairChange, WorkspaceReports } from "./workspace-reports.js";

const TOPIC_OVERLAP = "radar.overlap" satisfies ServerTopic;
const TOPIC_CLEAR = "radar.clear" satisfies ServerTopic;
type StoredText = ReportChangesRequest["files"];

const END = "a report ends 30 minutes after the last sign of life of its checkout";
const FULL = new Failure("STOCK_FULL", `${RADAR_REPORTS_MAX} checkouts have reported changes: ${END}`);
const FULL_BYTES = new Failure("STOCK_FULL", `reported changes take ${RADAR_BYTES_MAX} bytes of memory: ${END}`);
const WORKSPACE_FULL = new Failure(
  "STOCK_FULL",
  `${RADAR_REPORTS_OF_WORKSPACE_MAX} checkouts of this workspace have reported changes: ${END}`,
);
const WORKSPACE_FULL_BYTES = new Failure(
  "STOCK_FULL",
  `reported changes of this workspace take ${RADAR_BYTES_OF_WORKSPACE_MAX} bytes of memory: ${END}`,
);

export class RadarRegistry extends PublishingModel {
  readonly #reader: RadarReader;
  readonly #writer: RadarWriter;
  readonly #events: Publisher;
  readonly #workspaces = new Map<string, WorkspaceReports>();
  /** The totals of all reports; null if they are not known yet. */
  #totals: Totals | null = null;
  /** The overlaps that this transaction has added or made worse. */
  #notices: OverlapNotice[] = [];

  constructor({ use }: Pick<Opening, "use">) {
    super();
    this.#reader = use(radarSource);
    this.#writer = use(radarWriter);
    this.#events = use(publisher);
  }

  /**
   * Stores the report of a checkout, which replaces the previous one. Returns the failure if there are too many
   * reports.
   */
  report(request: ReportChangesRequest, call: WriteCall): null | Failure {
    const after = decodeReport(request, request.files, null);
    const before = this.#find(request.checkout);
    const reports = this.#reportsOf(request.workspace);
    const refusal = this.#refuse(after, before, reports);
    if (refusal !== null) return refusal;
    this.#change(before, after, call);
    this.#store(before, { report: after, files: request.files }, call.nowMs);
    return null;
  }

  /**
   * Ends the reports that the front has chosen. If a checkout has reported again since then, its `reported_at` differs,
   * and its report remains. Returns the checkouts whose reports have ended.
   */
  end({ ends }: EndReportsRequest, call: WriteCall): string[] {
    const ended: string[] = [];
    for (const { checkout, reported_at } of ends) {
      if (this.#reader.headOf(checkout)?.reported_at !== reported_at) continue;
      const before = this.#find(checkout);
      if (before === null) continue;
      this.#change(before, null, call);
      this.#store(before, null, call.nowMs);
      ended.push(checkout);
    }
    return ended;
  }

  reload(): void {
    this.#workspaces.clear();
    this.#totals = null;
    this.#notices = [];
  }

  afterCommit({ push }: Publication): void {
    if (this.#notices.length === 0) return;
    push(OVERLAPS, this.#notices);
    this.#notices = [];
  }

  #find(checkout: string): Report | null {
    const head = this.#reader.headOf(checkout);
    return head === undefined ? null : (this.#reportsOf(head.workspace).get(checkout) ?? null);
  }

  #reportsOf(workspace: string): WorkspaceReports {
    const known = this.#workspaces.get(workspace);
    if (known !== undefined) return known;
    const reports = new WorkspaceReports();
    for (const report of this.#reader.reportsOf(workspace)) reports.add(report);
    // Do not keep an empty workspace, because clients choose the names of workspaces and could fill the memory with
    // them.
    if (reports.size > 0) this.#workspaces.set(workspace, reports);
    return reports;
  }

  #refuse({ bytes, workspace }: Report, before: Report | null, reports: WorkspaceReports): Failure | null {
    const totals = this.#totalsNow();
    const more = before === null ? 1 : 0;
    if (totals.count + more > RADAR_REPORTS_MAX) return FULL;
    if (totals.bytes + bytes - (before?.bytes ?? 0) > RADAR_BYTES_MAX) return FULL_BYTES;
    const replaced = before?.workspace === workspace ? before : null;
    if (reports.size + (replaced === null ? 1 : 0) > RADAR_REPORTS_OF_WORKSPACE_MAX) return WORKSPACE_FULL;
    const bytesLater = reports.bytes + bytes - (replaced?.bytes ?? 0);
    return bytesLater > RADAR_BYTES_OF_WORKSPACE_MAX ? WORKSPACE_FULL_BYTES : null;
  }

  #totalsNow(): Totals {
    this.#totals ??= this.#writer.totals();
    return this.#totals;
  }

  /**
   * Publishes which overlaps change when `after` replaces `before`. `before` is null if the report is new, and `after`
   * is null if the report ends.
   */
  #change(before: Report | null, after: Report | null, call: WriteCall): void {
    const moves = before !== null && after !== null && before.workspace !== after.workspace;
    if (before !== null && (after === null || moves)) {
      const left = this.#reportsOf(before.workspace).difference(before, null, call.nowMs);
      for (const change of left) this.#publish(before, change, call);
    }
    if (after === null) return;
    const reports = this.#reportsOf(after.workspace);
    for (const change of reports.difference(moves ? null : before, after, call.nowMs))
      this.#publish(after, change, call);
  }

  #publish(own: Report, { other, appeared, cleared }: PairChange, call: WriteCall): void {
    const [a, b] = own.checkout < other.checkout ? [own, other] : [other, own];
    const pair = { workspace: own.workspace, a: sideOf(a), b: sideOf(b) };
    const kinds = OVERLAP_KINDS.filter((kind) => appeared[kind].length > 0);
    for (const kind of kinds) {
      const paths = appeared[kind];
      const data: OverlapAppeared = {
        ...pair,
        kind,
        paths: paths.slice(0, RADAR_EVENT_PATHS_MAX),
        count: paths.length,
      };
      this.#events.publish({ topic: TOPIC_OVERLAP, data: JSON.stringify(data), source: "koor" }, call);
    }
    if (cleared.length > 0) {
      const paths = cleared.slice(0, RADAR_EVENT_PATHS_MAX);
      const data: OverlapCleared = { ...pair, paths, count: cleared.length };
      this.#events.publish({ topic: TOPIC_CLEAR, data: JSON.stringify(data), source: "koor" }, call);
    }
    const worst = kinds.at(-1);
    const path = worst === undefined ? undefined : appeared[worst][0];
    if (worst === undefined || path === undefined) return;
    const count = kinds.reduce((sum, kind) => sum + appeared[kind].length, 0);
    this.#notices.push({ a: pair.a, b: pair.b, kind: worst, path, count });
    this.markDirty();
  }

  #store(
    before: Report | null,
    after: { readonly report: Report; readonly files: StoredText } | null,
    nowMs: number,
  ): void {
    const { count, bytes } = this.#totalsNow();
    // Change the memory before the table. If the workspace is not in memory yet, its reports are read from the table
    // now, and they must be the old ones.
    this.#keep(before, after?.report ?? null);
    if (before !== null) this.#writer.delete(before.checkout);
    if (after !== null) this.#writer.insert(after.report, after.files, nowMs);
    this.#totals = {
      count: count - (before === null ? 0 : 1) + (after === null ? 0 : 1),
      bytes: bytes - (before?.bytes ?? 0) + (after?.report.bytes ?? 0),
    };
  }

  /**
   * Replaces a report in memory. `before` is null if the report is new, and `after` is null if the report has ended.
   */
  #keep(before: Report | null, after: Report | null): void {
    if (before !== null && before.workspace === after?.workspace) {
      this.#reportsOf(before.workspace).replace(before, after);
      return;
    }
    if (before !== null) {
      const reports = this.#reportsOf(before.workspace);
      reports.remove(before);
      if (reports.size === 0) this.#workspaces.delete(before.workspace);
    }
    if (after === null) return;
    const reports = this.#reportsOf(after.workspace);
    reports.add(after);
    this.#workspaces.set(after.workspace, reports);
  }
}

function sideOf({ checkout, branch }: ReportHead): OverlapNotice["a"] {
  return { checkout, branch };
}

export const radarRegistry: Model<RadarRegistry> = { open: (opening) => new RadarRegistry(opening) };
