/** Declares the writer methods for the reports of checkouts. Runs in the writer thread. */
import * as Type from "typebox";
import { EndReportsReply, EndReportsRequest, ReportChangesRequest } from "../../../schemas/radar.js";
import { weightOf } from "../../platform/rpc/method.js";
import { changes, changesByModel, reportByName, reportKeys } from "../../platform/threads/changes.js";
import { writerMethod } from "../../platform/threads/writer-method.js";
import { radarRegistry } from "./registry.js";

const models = { radar: radarRegistry };

export const reportChanges = writerMethod({
  name: "radar.report",
  request: ReportChangesRequest,
  reply: Type.Null(),
  weight: weightOf,
  // A report writes no audit row. A checkout reports after every command of its agent, so there would be many rows. The
  // report contains nothing that is not in the repository.
  audit: null,
  changes: [
    changes(
      "radar",
      reportByName(({ checkout }: ReportChangesRequest) => checkout),
    ),
    changesByModel("event"),
  ],
  models,
  run: ({ radar }, request, call) => radar.report(request, call),
});

/** Ends the reports of checkouts in which no agent was active for too long. */
export const endReports = writerMethod({
  name: "radar.end",
  request: EndReportsRequest,
  reply: EndReportsReply,
  weight: weightOf,
  audit: null,
  inCluster: "leader",
  changes: [
    changes("radar", (_request, { checkouts }: EndReportsReply) => reportKeys(checkouts)),
    changesByModel("event"),
  ],
  models,
  run: ({ radar }, request, call) => ({ checkouts: radar.end(request, call) }),
});
