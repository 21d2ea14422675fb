/** Payloads and live tests against stored contracts. Runs in the pool. */
import type {
  ContractCall,
  ContractJudgeRequest,
  ContractPrepareRequest,
  ContractValidateRequest,
  Violation,
} from "../../schemas/contracts.js";
import { CONTRACT_DEPTH_MAX } from "../../schemas/limits.js";
import { isUtf8 } from "node:buffer";
import { unpackBytes } from "../base/bytes.js";
import { readJsonText } from "../base/json-bytes.js";
import { Failure, invalid } from "../base/result.js";
import type { ReadContext } from "../store/read-context.js";
import { isObject, isTooDeep, type JsonObject } from "./contract.js";
import { loadJsonSchemas } from "./json-schema.js";
import { judgeAnswer, prepareCall } from "./live-test.js";
import { findContract, findContractVersion } from "./stored.js";
import { validatePayload } from "./validate.js";

/** Loads what compiles JSON Schemas, once a worker. */
export const prepareContracts = loadJsonSchemas;

function readBody(body: Uint8Array | string): { readonly members: JsonObject; readonly characters: number } | Failure {
  const read = readJsonText(unpackBytes(body));
  if (read instanceof Failure) return read;
  if (!isObject(read.json)) return invalid("the body must be an object");
  return { members: read.json, characters: read.text.length };
}

/** A member that is a text, and not empty where there is no `fallback` for it. */
function readText(members: JsonObject, name: string, fallback?: string): string | Failure {
  const value = members[name];
  if ((value === undefined || value === "") && fallback === undefined) return invalid(`${name} is required`);
  if (value === undefined) return fallback ?? "";
  return typeof value === "string" ? value : invalid(`${name} must be a string`);
}

/** How many violations there are, behind a line end `{"valid","violations"}`. */
export function validateContract(
  context: ReadContext,
  { project, name, body }: ContractValidateRequest,
): string | Failure {
  const read = readBody(body);
  if (read instanceof Failure) return read;
  const { members, characters } = read;
  const endpoint = readText(members, "endpoint");
  if (endpoint instanceof Failure) return endpoint;
  const direction = readText(members, "direction", "request");
  if (direction instanceof Failure) return direction;
  const payload = members["payload"] === undefined ? {} : members["payload"];
  if (isTooDeep(payload)) return invalid(`payload is nested deeper than ${CONTRACT_DEPTH_MAX} levels`);
  const found = findContract(context, project, name);
  if (found instanceof Failure) return found;
  const violations = validatePayload(
    found.ready,
    endpoint,
    direction === "" ? "request" : direction,
    payload,
    characters,
  );
  return `${violations.length}\n${JSON.stringify({ valid: violations.length === 0, violations })}`;
}

/** A line of ContractCall, behind it the body to send. */
export function prepareContractTest(
  context: ReadContext,
  { project, name, body }: ContractPrepareRequest,
): string | Failure {
  const read = readBody(body);
  if (read instanceof Failure) return read;
  const { members, characters } = read;
  const endpoint = readText(members, "endpoint");
  if (endpoint instanceof Failure) return endpoint;
  const base_url = readText(members, "base_url");
  if (base_url instanceof Failure) return base_url;
  const found = findContract(context, project, name);
  if (found instanceof Failure) return found;
  const draft = prepareCall(
    found.ready,
    found.version,
    { endpoint, base_url, test_data: members["test_data"] ?? undefined },
    characters,
  );
  if (draft instanceof Failure) return draft;
  const { body: content, ...call } = draft;
  return `${JSON.stringify({ ...call, has_body: content !== "" } satisfies ContractCall)}\n${content}`;
}

/** JSON text of the violations of a service's answer, against the version that the request was made from. */
export function judgeContractTest(
  context: ReadContext,
  { project, name, version, endpoint, status, body }: ContractJudgeRequest,
): string | Failure {
  const ready = findContractVersion(context, project, name, version);
  if (ready instanceof Failure) return ready;
  const bytes = unpackBytes(body);
  const text = isUtf8(bytes)
    ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
        .toString("utf8")
        .replace(/^\uFEFF/, "")
    : null;
  const violations: readonly Violation[] = judgeAnswer(ready, endpoint, status, text);
  return JSON.stringify(violations);
}
