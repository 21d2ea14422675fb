/** Declares the writer methods for records of commands. Runs in the writer thread. */
import type { ServerTopic } from "../../../schemas/events.js";
import {
  PruneEvidenceReply,
  PruneEvidenceRequest,
  RecordEvidenceReply,
  RecordEvidenceRequest,
} from "../../../schemas/evidence.js";
import { EVIDENCE_PRUNE_ROWS } from "../../../schemas/limits/evidence.js";
import { notFound } from "../../base/result.js";
import { shorten } from "../../../shared/shorten.js";
import { NOT_YOURS } from "../claims/refusals.js";
import { publisher } from "../events/publisher.js";
import { weightOf } from "../../platform/rpc/method.js";
import { changes, changesByModel, reportAny, reportByName } from "../../platform/threads/changes.js";
import { writerMethod } from "../../platform/threads/writer-method.js";
import { encodeListedEvidence } from "./encode.js";
import { levelOf } from "./levels.js";
import { evidenceWriter } from "./table.js";
import { taskParties } from "./task-parties.js";

const TOPIC_RECORDED = "evidence.recorded" satisfies ServerTopic;
const SERVER = "koor";

export const recordEvidence = writerMethod({
  name: "evidence.record",
  request: RecordEvidenceRequest,
  reply: RecordEvidenceReply,
  weight: weightOf,
  audit: {
    action: "evidence.record",
    resource: ({ task = null }, reply) => task ?? String(reply?.id ?? ""),
    detail: ({ seen_by, command, exit_code, tree_after }, { id }) =>
      JSON.stringify({ id, level: levelOf(seen_by), seen_by, command, exit_code, tree_after }),
  },
  changes: [
    changes(
      "evidence",
      reportByName(({ task }: RecordEvidenceRequest) => task ?? ""),
    ),
    changesByModel("event"),
  ],
  models: { evidence: evidenceWriter, parties: taskParties, events: publisher },
  run: ({ evidence, parties, events }, request, call) => {
    const { task, seen_by: seenBy, owns = true } = request;
    if (task !== null && !parties.has(task)) return notFound(`task not found: ${shorten(task)}`);
    // An agent may write a record of level `said` for any task, because such a record never makes a command count as
    // passed.
    const isFree = owns || task === null || levelOf(seenBy) === "said";
    if (!isFree && !parties.isParty(task, call.actor)) return NOT_YOURS;
    const row = evidence.append(request, call.nowMs);
    events.publish({ topic: TOPIC_RECORDED, data: encodeListedEvidence(row), source: SERVER }, call);
    return { id: row.id };
  },
});

/** Deletes old records, at most EVIDENCE_PRUNE_ROWS of them. */
export const pruneEvidence = writerMethod({
  name: "evidence.prune",
  request: PruneEvidenceRequest,
  reply: PruneEvidenceReply,
  weight: () => 0,
  audit: null,
  changes: [
    changes("evidence", (_request: object, { removed }: PruneEvidenceReply) => (removed === 0 ? [] : reportAny())),
  ],
  models: { evidence: evidenceWriter },
  run: ({ evidence }, { before }) => evidence.prune(before, EVIDENCE_PRUNE_ROWS),
});
