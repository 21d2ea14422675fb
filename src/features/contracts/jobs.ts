/** The jobs that check payloads and live tests against stored contracts. They run in the pool. */
import { isUtf8 } from "node:buffer";
import { isTooDeep } from "../../../schemas/contract-shape.js";
import {
  ContractCall,
  ContractExamineReply,
  ContractExamineRequest,
  ContractJudgeReply,
  ContractJudgeRequest,
  ContractPrepareRequest,
  ContractTestBody,
  ContractValidateBody,
  ContractValidateReply,
  ContractValidateRequest,
} from "../../../schemas/contracts.js";
import { CONTRACT_DEADLINE_MS, CONTRACT_DEPTH_MAX } from "../../../schemas/limits/contracts.js";
import { unpackBytes } from "../../base/bytes.js";
import { readExact } from "../../base/exact-number.js";
import { Failure, invalid } from "../../base/result.js";
import { loadShapes, readShaped } from "../../base/shape.js";
import { unaryJob } from "../../platform/threads/pool-method.js";
import { loadJsonSchemas } from "./json-schema.js";
import { checkAnswer, prepareCall } from "./live-test.js";
import { storedContracts } from "./stored.js";
import { listWarnings, validatePayload } from "./validate.js";

const models = { contracts: storedContracts };

async function loadAll(): Promise<void> {
  await Promise.all([loadShapes(), loadJsonSchemas()]);
}

export const validateContract = unaryJob({
  name: "contract.validate",
  request: ContractValidateRequest,
  reply: ContractValidateReply,
  deadlineMs: CONTRACT_DEADLINE_MS,
  cost: "unbounded",
  prepare: loadAll,
  models,
  run: ({ contracts }, { project, name, body }) => {
    const read = readShaped(unpackBytes(body), ContractValidateBody);
    if (read instanceof Failure) return read;
    if (isTooDeep(read.json.payload)) return invalid(`payload is nested deeper than ${CONTRACT_DEPTH_MAX} levels`);
    const { endpoint, direction = "", payload = {} } = readExact(read.text, read.json) as typeof read.json;
    const found = contracts.find(project, name);
    if (found instanceof Failure) return found;
    const asked = direction === "" ? "request" : direction;
    const violations = validatePayload(found.ready, endpoint, asked, payload, read.text.length);
    if (violations instanceof Failure) return violations;
    return { count: violations.length, text: JSON.stringify({ valid: violations.length === 0, violations }) };
  },
});

export const prepareContractTest = unaryJob({
  name: "contract.prepare",
  request: ContractPrepareRequest,
  reply: ContractCall,
  deadlineMs: CONTRACT_DEADLINE_MS,
  cost: "unbounded",
  prepare: loadAll,
  models,
  run: ({ contracts }, { project, name, body }) => {
    const read = readShaped(unpackBytes(body), ContractTestBody);
    if (read instanceof Failure) return read;
    const { endpoint, base_url, test_data } = readExact(read.text, read.json) as typeof read.json;
    const found = contracts.find(project, name);
    if (found instanceof Failure) return found;
    const sent = { endpoint, base_url, test_data: test_data ?? undefined };
    return prepareCall(found.ready, found.version, sent, read.text.length);
  },
});

/**
 * Finds the problems in the definitions of stored specs, each at a given version. A spec that is not a contract has no
 * problems.
 */
export const examineContract = unaryJob({
  name: "contract.examine",
  request: ContractExamineRequest,
  reply: ContractExamineReply,
  deadlineMs: CONTRACT_DEADLINE_MS,
  cost: "unbounded",
  prepare: loadJsonSchemas,
  models,
  run: ({ contracts }, { stored }) =>
    listWarnings(stored, ({ project, name, version }) => [name, contracts.findVersion(project, name, version)]),
});

/**
 * Checks a service's answer against a contract. It uses the version of the contract from which the request was built.
 */
export const checkContractTest = unaryJob({
  name: "contract.judge",
  request: ContractJudgeRequest,
  reply: ContractJudgeReply,
  deadlineMs: CONTRACT_DEADLINE_MS,
  cost: "unbounded",
  prepare: loadJsonSchemas,
  models,
  run: ({ contracts }, { project, name, version, endpoint, status, body }) => {
    const ready = contracts.findVersion(project, name, version);
    return ready instanceof Failure ? ready : checkAnswer(ready, endpoint, status, textOf(unpackBytes(body)));
  },
});

/** Decodes UTF-8, without a leading byte order mark. Returns null if the bytes are not UTF-8. */
function textOf(bytes: Uint8Array): string | null {
  if (!isUtf8(bytes)) return null;
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8");
  return text.replace(/^\uFEFF/, "");
}
