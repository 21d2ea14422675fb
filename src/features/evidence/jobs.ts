/** Declares the job that lists records of commands. It runs in the worker pool. */
import { ListEnd } from "../../../schemas/common.js";
import { EvidenceList, ListEvidenceRequest } from "../../../schemas/evidence.js";
import { cursor, encodeList } from "../../base/json-array.js";
import { streamJob } from "../../platform/threads/pool-method.js";
import { encodeListedEvidence } from "./encode.js";
import { evidenceReader } from "./table.js";

export const listEvidence = streamJob({
  name: "evidence.list",
  request: ListEvidenceRequest,
  text: EvidenceList,
  reply: ListEnd,
  cost: "bounded",
  models: { evidence: evidenceReader },
  *run({ evidence }, request) {
    return yield* encodeList(evidence.list(request), {
      encode: encodeListedEvidence,
      cursorOf: ({ id }) => cursor("before", id),
      limit: request.limit,
    });
  },
});
