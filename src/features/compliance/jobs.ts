/**
 * The jobs that list contracts, check the samples of instances against them, and read the history of runs. A check runs
 * in short steps, so that even a check of many instances never occupies a thread for long. Runs in the pool.
 */
import { ListEnd } from "../../../schemas/common.js";
import {
  ComplianceCheckReply,
  ComplianceCheckRequest,
  ComplianceContractsReply,
  ComplianceContractsRequest,
  ComplianceHistory,
  ComplianceHistoryRequest,
} from "../../../schemas/compliance.js";
import type { Violation } from "../../../schemas/contracts.js";
import {
  COMPLIANCE_STEP_CHARACTERS_MAX,
  COMPLIANCE_STEP_MS,
  COMPLIANCE_VIOLATIONS_CHARACTERS_MAX,
  COMPLIANCE_VIOLATIONS_MAX,
} from "../../../schemas/limits/compliance.js";
import { CONTRACT_DEADLINE_MS } from "../../../schemas/limits/contracts.js";
import { readExact } from "../../base/exact-number.js";
import { cursor, encodeList } from "../../base/json-array.js";
import { Failure } from "../../base/result.js";
import { CheckSteps, stepsFor } from "../contracts/check-steps.js";
import { isObject } from "../contracts/contract.js";
import { loadJsonSchemas } from "../contracts/json-schema.js";
import { storedContracts, type StoredContracts } from "../contracts/stored.js";
import { asViolations, contractProblems, validatePayload, type ReadyContract } from "../contracts/validate.js";
import { streamJob, unaryJob } from "../../platform/threads/pool-method.js";
import { stateReader, type VersionedReader } from "../versioned/table.js";
import { encodeRun } from "./encode.js";
import { complianceReader } from "./table.js";

/** Lists the contracts of a project, one page at a time. */
export const complianceContracts = unaryJob({
  name: "compliance.contracts",
  request: ComplianceContractsRequest,
  reply: ComplianceContractsReply,
  deadlineMs: CONTRACT_DEADLINE_MS,
  cost: "unbounded",
  prepare: loadJsonSchemas,
  models: { stored: storedContracts },
  run: ({ stored }, { project, after }) => {
    const until = performance.now() + COMPLIANCE_STEP_MS;
    const contracts: string[] = [];
    for (const { name, isContract } of stored.list(project, after)) {
      if (isContract) contracts.push(name);
      if (performance.now() > until) return { contracts, next: name };
    }
    return { contracts, next: null };
  },
});

/**
 * Checks pairs of a contract and an instance in the order of the request. Stops when the time of a step is over, but
 * checks at least one pair. Returns the violations of the checked pairs.
 */
export const checkCompliance = unaryJob({
  name: "compliance.check",
  request: ComplianceCheckRequest,
  reply: ComplianceCheckReply,
  deadlineMs: CONTRACT_DEADLINE_MS,
  cost: "unbounded",
  prepare: loadJsonSchemas,
  models: { stored: storedContracts, state: stateReader },
  run: (models, { project, pairs }) => {
    const until = performance.now() + COMPLIANCE_STEP_MS;
    const violations: string[] = [];
    let characters = 0;
    for (const { contract, instance } of pairs) {
      const text = encodeViolations(checkPair(models, project, contract, instance));
      violations.push(text);
      characters += text.length;
      if (performance.now() > until || characters > COMPLIANCE_STEP_CHARACTERS_MAX) break;
    }
    return { violations };
  },
});

/** Lists runs, newest first. */
export const complianceHistory = streamJob({
  name: "compliance.history",
  request: ComplianceHistoryRequest,
  text: ComplianceHistory,
  reply: ListEnd,
  cost: "bounded",
  models: { compliance: complianceReader },
  *run({ compliance }, request) {
    return yield* encodeList(compliance.list(request), {
      encode: encodeRun,
      cursorOf: ({ id }) => cursor("before", id),
      limit: request.limit,
    });
  },
});

function encodeViolations(violations: readonly Violation[]): string {
  const listed: Violation[] = [];
  let characters = 0;
  for (const violation of violations.slice(0, COMPLIANCE_VIOLATIONS_MAX)) {
    characters += violation.path.length + violation.message.length;
    if (characters > COMPLIANCE_VIOLATIONS_CHARACTERS_MAX && listed.length > 0) break;
    listed.push({
      path: violation.path.slice(0, COMPLIANCE_VIOLATIONS_CHARACTERS_MAX),
      message: violation.message.slice(0, COMPLIANCE_VIOLATIONS_CHARACTERS_MAX),
    });
  }
  return JSON.stringify(listed);
}

function checkPair(
  { stored, state }: { readonly stored: StoredContracts; readonly state: VersionedReader },
  project: string,
  contract: string,
  instance: string,
): Violation[] {
  const found = stored.find(project, contract);
  // The contract was deleted or overwritten after the check had listed the contracts.
  if (found instanceof Failure) return [{ path: "contract", message: found.message }];
  const samples = state.current(`${project}/${contract}/samples/${instance}`);
  const violations = [
    ...contractProblems(found.ready),
    ...(samples === undefined ? [] : checkSamples(found.ready, samples.value)),
  ];
  return violations.toSorted((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
}

const MALFORMED = "samples must be a JSON array of {endpoint, direction, payload}";

/**
 * Checks the samples of an instance. The path of a violation begins with the sample, such as `samples[0].`, and
 * continues with the path in the payload.
 */
function checkSamples(ready: ReadyContract, bytes: Uint8Array): Violation[] {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8");
  let samples: unknown;
  try {
    samples = readExact(text, JSON.parse(text));
  } catch {
    // The samples can be any bytes, because clients can write anything to state. JSON.parse throws only a SyntaxError.
    return [{ path: "samples", message: MALFORMED }];
  }
  if (!Array.isArray(samples)) return [{ path: "samples", message: MALFORMED }];
  const violations: Violation[] = [];
  const steps = new CheckSteps(stepsFor(text.length));
  for (const [at, sample] of samples.entries()) {
    if (violations.length >= COMPLIANCE_VIOLATIONS_MAX) break;
    const prefix = `samples[${at}]`;
    const { endpoint, direction = "request", payload = {} } = isObject(sample) ? sample : {};
    if (typeof endpoint !== "string" || typeof direction !== "string")
      violations.push({ path: prefix, message: MALFORMED });
    else {
      const found = validatePayload(ready, endpoint, direction, payload, text.length, steps);
      for (const { path, message } of asViolations(found, direction))
        violations.push({ path: `${prefix}.${path}`, message });
      if (found instanceof Failure) break;
    }
  }
  return violations;
}
