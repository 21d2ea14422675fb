/**
 * Prepares a live test of a service, and checks the service's answer. It builds the request from the contract and from
 * the test data. Runs in the pool. The front sends the request (front.ts).
 */
import { isTooDeep } from "../../../schemas/contract-shape.js";
import type { ContractCall, Violation } from "../../../schemas/contracts.js";
import { CONTRACT_DEPTH_MAX } from "../../../schemas/limits/contracts.js";
import { ExactNumber, readExact, writeExact } from "../../base/exact-number.js";
import { Failure, invalid } from "../../base/result.js";
import { isObject, type Definition, type DefinitionName, type JsonObject } from "./contract.js";
import { asViolations, validatePayload, type ReadyContract } from "./validate.js";

export interface CallBody {
  readonly endpoint: string;
  readonly base_url: string;
  readonly test_data: unknown;
}

/** The HTTP methods with which a live test sends its data in the query. */
const QUERY_METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "DELETE"]);
const ENDPOINT = /^(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) (\/\S*)$/;
const PARAMETER = /\{([^{}/]+)\}/g;

/** Returns whether a definition has a member of this name. References in the definition are not followed. */
function defines(definition: Definition | undefined, name: string): boolean {
  if (definition?.kind === "fields") return definition.map.fields.has(name);
  const properties =
    definition?.kind === "schema" && isObject(definition.schema) ? definition.schema["properties"] : undefined;
  return isObject(properties) && Object.hasOwn(properties, name);
}

/** Returns the test data without the members that are used only as path parameters. */
function withoutParameters(
  data: JsonObject,
  names: ReadonlySet<string>,
  definition: Definition | undefined,
): JsonObject {
  // Object.assign is not used, because it would not copy a member that is named __proto__.
  return Object.fromEntries(Object.entries(data).filter(([name]) => !names.has(name) || defines(definition, name)));
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : writeExact(value);
}

function queryOf(data: JsonObject): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(data)) {
    for (const one of Array.isArray(value) ? (value as readonly unknown[]) : [value])
      if (one !== null) query.append(name, textOf(one));
  }
  const text = query.toString();
  return text === "" ? "" : `?${text}`;
}

/** Joins the path of the base URL and the path of the endpoint by one slash. A query of the base URL is dropped. */
function urlOf(base: string, path: string, query: string): string | Failure {
  if (!URL.canParse(base)) return invalid("base_url must be an http or https URL");
  const url = new URL(base);
  const credentials = url.username === "" && url.password === "" ? "" : `${url.username}:${url.password}@`;
  return `${url.protocol}//${credentials}${url.host}${url.pathname.replace(/\/+$/, "")}${path}${query}`;
}

/**
 * Prepares the call of a live test. If the contract lacks the endpoint, or if the data lacks a path parameter, the
 * result has an `error` and no URL.
 */
export function prepareCall(
  ready: ReadyContract,
  version: number,
  { endpoint: name, base_url, test_data }: CallBody,
  characters: number,
): ContractCall | Failure {
  if (isTooDeep(test_data)) return invalid(`test_data is nested deeper than ${CONTRACT_DEPTH_MAX} levels`);
  const refused = (error: string, requestViolations: Violation[]): ContractCall => ({
    version,
    endpoint: name,
    base_url,
    method: "",
    error,
    url: null,
    body: null,
    request_violations: requestViolations,
  });
  const endpoint = ready.endpoint(name);
  const [, method = "", template = ""] = ENDPOINT.exec(name) ?? [];
  if (endpoint === undefined) {
    const message = `endpoint ${JSON.stringify(name)} not in contract`;
    return refused(message, [{ path: name, message }]);
  }
  if (method === "") return refused(`endpoint ${JSON.stringify(name)} is not a method and a path`, []);
  const inQuery = QUERY_METHODS.has(method);
  const part: DefinitionName & ("query" | "request") =
    inQuery && (endpoint.definitions.has("query") || !endpoint.definitions.has("request")) ? "query" : "request";
  const definition = endpoint.definitions.get(part);
  const parameters = new Set([...template.matchAll(PARAMETER)].map(([, parameter = ""]) => parameter));
  if (test_data !== undefined && !isObject(test_data) && (inQuery || parameters.size > 0))
    return invalid("test_data must be an object");
  const data = isObject(test_data) ? test_data : {};
  const payload =
    test_data !== undefined && !isObject(test_data) ? test_data : withoutParameters(data, parameters, definition);
  const requestViolations = definition === undefined ? [] : validatePayload(ready, name, part, payload, characters);
  if (requestViolations instanceof Failure) return requestViolations;
  const path = fillPath(template, data);
  if (Array.isArray(path))
    return refused(
      path.map(({ message }) => message).join("; "),
      [...path, ...requestViolations].toSorted((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0)),
    );
  const url = urlOf(base_url, path, inQuery ? queryOf(isObject(payload) ? payload : {}) : "");
  if (url instanceof Failure) return url;
  const sendsBody = !inQuery && (test_data !== undefined || definition !== undefined);
  return {
    version,
    endpoint: name,
    base_url,
    method,
    error: "",
    url,
    body: sendsBody ? writeExact(payload) : null,
    request_violations: requestViolations,
  };
}

function isScalar(value: unknown): boolean {
  return value instanceof ExactNumber || (value !== undefined && value !== null && typeof value !== "object");
}

/** Returns the path with its parameters filled in and percent-encoded, or a violation for each missing parameter. */
function fillPath(template: string, data: JsonObject): string | Violation[] {
  const missing: Violation[] = [];
  const path = template.replace(PARAMETER, (_, name: string) => {
    const value = Object.hasOwn(data, name) ? data[name] : undefined;
    const text = isScalar(value) ? textOf(value) : "";
    // A path segment cannot be "." or "..", even percent-encoded, because they mean the folder itself and its parent.
    if (text === "" || text === "." || text === ".." || !text.isWellFormed()) {
      missing.push({
        path: `request.${name}`,
        message:
          text === ""
            ? `missing path parameter ${JSON.stringify(name)}`
            : `path parameter ${JSON.stringify(name)} cannot be ${JSON.stringify(text)}`,
      });
      return "";
    }
    return encodeURIComponent(text);
  });
  return missing.length === 0 ? path : missing;
}

/** Checks an answer: first its status, and then its body. A violation of the status has the path `status`. */
export function checkAnswer(
  ready: ReadyContract,
  endpointName: string,
  status: number,
  text: string | null,
): Violation[] {
  const endpoint = ready.endpoint(endpointName);
  if (endpoint === undefined) return [];
  const violations: Violation[] = [];
  const unexpected = endpoint.status !== null && endpoint.status !== status;
  if (unexpected) violations.push({ path: "status", message: `expected status ${endpoint.status}, got ${status}` });
  const isError = status >= 400 && status <= 499 && endpoint.definitions.has("error");
  const promised = endpoint.definitions.has("response") || endpoint.definitions.has("response_array");
  // If the contract describes only successful answers, the body of an unexpected error is not checked.
  if (isError || (promised && !(unexpected && status >= 400))) {
    violations.push(...checkBody(ready, endpointName, isError ? "error" : "response", text));
  }
  return violations.toSorted((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
}

function checkBody(
  ready: ReadyContract,
  endpoint: string,
  direction: "response" | "error",
  text: string | null,
): readonly Violation[] {
  if (text === "") return [{ path: direction, message: "the answer is empty" }];
  let json: unknown;
  try {
    if (text === null) return [{ path: direction, message: "the answer is not UTF-8" }];
    json = readExact(text, JSON.parse(text));
  } catch {
    // JSON.parse throws only a SyntaxError, which means that the answer is not JSON.
    return [{ path: direction, message: "the answer is not JSON" }];
  }
  return asViolations(validatePayload(ready, endpoint, direction, json, text.length), direction);
}
