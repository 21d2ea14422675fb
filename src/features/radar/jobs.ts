/** Declares the jobs that read the reports of checkouts. They run in the worker pool. */
import * as Type from "typebox";
import { LIST_BYTES_MAX } from "../../../schemas/limits/answers.js";
import { RADAR_REPORT_ANSWER_BYTES_MAX } from "../../../schemas/limits/radar.js";
import { ListEnd } from "../../../schemas/common.js";
import {
  type ChangedFile,
  CheckedReport,
  CheckReportRequest,
  FindOverlapsRequest,
  RadarAnswer,
  ReadChangesReply,
  ReadChangesRequest,
  ReportAnswer,
  type StoredFiles,
} from "../../../schemas/radar.js";
import { unpackBytes } from "../../base/bytes.js";
import { encodeArray, wrapChunks } from "../../base/json-array.js";
import { loadShapes } from "../../base/shape.js";
import { streamJob, unaryJob } from "../../platform/threads/pool-method.js";
import { overlapTexts } from "./overlap-list.js";
import { readReport } from "./read-report.js";
import { radarReader } from "./table.js";

/** Reads the body of a report. */
export const checkReport = unaryJob({
  name: "radar.check",
  request: CheckReportRequest,
  reply: CheckedReport,
  cost: "bounded",
  snapshot: "own",
  prepare: loadShapes,
  models: {},
  run: (_models, { body }) => readReport(unpackBytes(body)),
});

/** Answers `{"overlaps"}`, or `{"checkout","overlaps"}`. Adds `"truncated":true` if not all overlaps fit. */
export const findOverlaps = streamJob({
  name: "radar.overlaps",
  request: FindOverlapsRequest,
  text: Type.Union([RadarAnswer, ReportAnswer]),
  reply: ListEnd,
  cost: "bounded",
  models: { radar: radarReader },
  *run({ radar }, { workspace, checkout, named, instances }) {
    const bytesMax = named ? RADAR_REPORT_ANSWER_BYTES_MAX : LIST_BYTES_MAX;
    const texts = overlapTexts({ reports: radar.reportsOf(workspace), checkout, instances });
    let isTruncated = false;
    function* fitting(): Generator<string, void, undefined> {
      let bytes = 0;
      for (const text of texts) {
        bytes += Buffer.byteLength(text);
        isTruncated = bytes > bytesMax;
        if (isTruncated) return;
        yield text;
      }
    }
    const begin = named ? `{"checkout":${JSON.stringify(checkout)},"overlaps":` : '{"overlaps":';
    yield* wrapChunks(begin, encodeArray(fitting()), () => (isTruncated ? ',"truncated":true}' : "}"));
    return null;
  },
});

/** Reads the report of a checkout. */
export const readChanges = unaryJob({
  name: "radar.changes",
  request: ReadChangesRequest,
  reply: ReadChangesReply,
  cost: "bounded",
  models: { radar: radarReader },
  run: ({ radar }, { checkout }) => {
    const head = radar.headOf(checkout);
    if (head === undefined) return null;
    const { workspace, branch, base, reported_at } = head;
    const files = (JSON.parse(radar.filesOf(head)) as StoredFiles).map(sentFile);
    return { text: JSON.stringify({ checkout, workspace, branch, base, files }).slice(0, -1), reported_at };
  },
});

/** Returns a stored file in the form in which a client sends it. */
function sentFile({ lines, path, ...rest }: StoredFiles[number]): ChangedFile {
  if (lines === undefined) return { path, ...rest };
  const ranges: number[][] = [];
  for (let at = 0; at < lines.length; at += 2) ranges.push(lines.slice(at, at + 2));
  return { path, ranges, ...rest };
}
