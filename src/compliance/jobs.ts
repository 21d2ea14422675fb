/**
 * Contracts and the samples of instances, checked a bounded step at a time, so that a check of many
 * instances never keeps a thread from others for long. Also the history of runs. Runs in the pool.
 */
import type {
  ComplianceCheckRequest,
  ComplianceContractsRequest,
  ComplianceHistoryRequest,
  ContractsStep,
} from "../../schemas/compliance.js";
import type { Violation } from "../../schemas/contracts.js";
import {
  COMPLIANCE_STEP_CHARACTERS_MAX,
  COMPLIANCE_STEP_MS,
  COMPLIANCE_VIOLATIONS_CHARACTERS_MAX,
  COMPLIANCE_VIOLATIONS_MAX,
} from "../../schemas/limits.js";
import { encodeArray } from "../base/json-array.js";
import { Failure } from "../base/result.js";
import { isObject } from "../contracts/contract.js";
import { findContract, listContracts } from "../contracts/stored.js";
import { contractProblems, validatePayload, type ReadyContract } from "../contracts/validate.js";
import type { ReadContext } from "../store/read-context.js";
import { encodeRun } from "./encode.js";
import { listRuns } from "./table.js";

/** One step of the list of a project's contracts. */
export function complianceContracts(context: ReadContext, { project, after }: ComplianceContractsRequest): string {
  const until = performance.now() + COMPLIANCE_STEP_MS;
  const contracts: string[] = [];
  for (const { name, is_contract } of listContracts(context, project, after)) {
    if (is_contract) contracts.push(name);
    if (performance.now() > until) return JSON.stringify({ contracts, next: name } satisfies ContractsStep);
  }
  return JSON.stringify({ contracts, next: null } satisfies ContractsStep);
}

/** The violations of the first pairs, as far as one step gets. */
export function checkCompliance(context: ReadContext, { project, pairs }: ComplianceCheckRequest): string {
  const until = performance.now() + COMPLIANCE_STEP_MS;
  const texts: string[] = [];
  let characters = 0;
  for (const { contract, instance } of pairs) {
    const text = encodeViolations(checkPair(context, project, contract, instance));
    texts.push(text);
    characters += text.length;
    if (performance.now() > until || characters > COMPLIANCE_STEP_CHARACTERS_MAX) break;
  }
  return JSON.stringify(texts);
}

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

function checkPair(context: ReadContext, project: string, contract: string, instance: string): Violation[] {
  const found = findContract(context, project, contract);
  // It was deleted, or overwritten with something else, since the list was made.
  if (found instanceof Failure) return [{ path: "contract", message: found.message }];
  const samples = context.state.current(`${project}/${contract}/samples/${instance}`);
  const violations = [
    ...contractProblems(found.ready),
    ...(samples === undefined ? [] : checkSamples(found.ready, samples.value)),
  ];
  return violations.toSorted((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
}

const MALFORMED = "samples must be a JSON array of {endpoint, direction, payload}";

/** What is wrong with the samples; a path is `samples[0].` and the payload's own. */
function checkSamples(ready: ReadyContract, bytes: Uint8Array): Violation[] {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8");
  let samples: unknown;
  try {
    samples = JSON.parse(text);
  } catch {
    // Whoever writes state may write anything; JSON.parse throws nothing but SyntaxError.
    return [{ path: "samples", message: MALFORMED }];
  }
  if (!Array.isArray(samples)) return [{ path: "samples", message: MALFORMED }];
  const violations: Violation[] = [];
  for (const [at, sample] of samples.entries()) {
    if (violations.length >= COMPLIANCE_VIOLATIONS_MAX) break;
    const prefix = `samples[${at}]`;
    const { endpoint, direction = "request", payload = {} } = isObject(sample) ? sample : {};
    if (typeof endpoint !== "string" || typeof direction !== "string")
      violations.push({ path: prefix, message: MALFORMED });
    else
      for (const { path, message } of validatePayload(ready, endpoint, direction, payload, text.length))
        violations.push({ path: `${prefix}.${path}`, message });
  }
  return violations;
}

/** Runs, newest first. */
export function complianceHistory(context: ReadContext, request: ComplianceHistoryRequest): Iterable<string> {
  return encodeArray(encodeRuns(context, request));
}

function* encodeRuns(context: ReadContext, request: ComplianceHistoryRequest): Generator<string, void, undefined> {
  for (const run of listRuns(context.db, request)) yield encodeRun(run);
}
