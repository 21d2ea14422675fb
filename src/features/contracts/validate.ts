/**
 * Checks a payload against one endpoint of a contract. Validation, live tests and compliance all use this code, so that
 * they find the same violations. Runs in the pool.
 */
import { isTooDeep } from "../../../schemas/contract-shape.js";
import { type ContractWarning, DIRECTIONS, type Direction, type Violation } from "../../../schemas/contracts.js";
import {
  CONTRACT_DEPTH_MAX,
  CONTRACT_VIOLATIONS_CHARACTERS_MAX,
  CONTRACT_VIOLATIONS_MAX,
} from "../../../schemas/limits/contracts.js";
import { Failure, invalid } from "../../base/result.js";
import { CheckSteps, stepsFor, TooManySteps } from "./check-steps.js";
import { DEFINITIONS, type Contract, type Definition, type DefinitionName, type Endpoint } from "./contract.js";
import { checkArray, checkObject, findUnknownTypes } from "./field-map.js";
import { JsonSchema } from "./json-schema.js";
import { cut, MESSAGES, Violations } from "./violations.js";

/** A contract with a cache of its compiled schemas. */
export class ReadyContract {
  readonly #compiled = new Map<unknown, JsonSchema>();

  constructor(readonly contract: Contract) {}

  endpoint(name: string): Endpoint | undefined {
    return this.contract.endpoints.get(name);
  }

  /** Compiles a schema at its first use, and keeps the result. */
  schema(schema: unknown): JsonSchema {
    let compiled = this.#compiled.get(schema);
    if (compiled === undefined) {
      compiled = new JsonSchema(schema);
      this.#compiled.set(schema, compiled);
    }
    return compiled;
  }
}

function isDirection(word: string): word is Direction {
  return DIRECTIONS.some((direction) => direction === word);
}

export const TOO_DEEP = `nested deeper than ${CONTRACT_DEPTH_MAX} levels`;

/**
 * Chooses the definition for a payload. If an endpoint defines a response both as an object and as an array, the type
 * of the payload decides.
 */
function chooseDefinition(endpoint: Endpoint, direction: Direction, payload: unknown): DefinitionName {
  if (direction !== "response" || !endpoint.definitions.has("response_array")) return direction;
  return Array.isArray(payload) || !endpoint.definitions.has("response") ? "response_array" : "response";
}

/**
 * Checks a payload.
 * @param characters the length of the payload as JSON text
 * @param steps the budget, if other payloads share it
 * @returns the violations sorted by path, empty if the payload is valid; a 400 if the budget is too small for the check
 */
export function validatePayload(
  ready: ReadyContract,
  endpointName: string,
  direction: string,
  payload: unknown,
  characters: number,
  steps = new CheckSteps(stepsFor(characters)),
): Violation[] | Failure {
  const path = direction;
  const endpoint = ready.endpoint(endpointName);
  const named = cut(endpointName);
  const shown = JSON.stringify(named);
  if (endpoint === undefined) return [{ path: named, message: `endpoint ${shown} not in contract` }];
  if (!isDirection(direction)) {
    return [
      {
        path: cut(direction),
        message: `unknown direction ${JSON.stringify(cut(direction))} (use request, response, query, or error)`,
      },
    ];
  }
  const name = chooseDefinition(endpoint, direction, payload);
  const definition = endpoint.definitions.get(name);
  if (definition === undefined) return [{ path: named, message: `endpoint ${shown} has no ${direction} definition` }];
  if (isTooDeep(payload)) return [{ path, message: TOO_DEEP }];
  const found = new Violations();
  try {
    checkDefinition(ready, definition, name, payload, characters, path, steps, found);
  } catch (error) {
    if (!(error instanceof TooManySteps)) throw error;
    return invalid(
      `the contract's ${name} definition costs too much: to check this payload takes ${error.message}, make it simpler`,
    );
  }
  return found.sorted();
}

/** Returns the violations that a check has found. If the check itself failed, its failure is the only violation. */
export function asViolations(found: readonly Violation[] | Failure, path: string): readonly Violation[] {
  return found instanceof Failure ? [{ path, message: found.message }] : found;
}

function checkDefinition(
  ready: ReadyContract,
  definition: Definition,
  name: DefinitionName,
  payload: unknown,
  characters: number,
  path: string,
  steps: CheckSteps,
  found: Violations,
): void {
  if (definition.kind === "malformed")
    found.add(path, `the contract's definition cannot be used: ${definition.message}`);
  else if (definition.kind === "fields")
    (name === "response_array" ? checkArray : checkObject)(definition.map, payload, path, steps, found);
  else if (name !== "response_array") ready.schema(definition.schema).check(payload, characters, path, steps, found);
  else checkElements(ready.schema(definition.schema), payload, characters, path, steps, found);
}

/**
 * Checks a payload against the JSON Schema of `response_array`. If the schema describes an array, it is applied to the
 * whole payload. Otherwise it is applied to each element of the payload, like a map of fields.
 */
function checkElements(
  schema: JsonSchema,
  payload: unknown,
  characters: number,
  path: string,
  steps: CheckSteps,
  found: Violations,
): void {
  if (schema.ofArray || schema.problem !== "") {
    schema.check(payload, characters, path, steps, found);
    return;
  }
  if (!Array.isArray(payload)) {
    found.add(path, MESSAGES.type("array", payload));
    return;
  }
  for (const [at, element] of payload.entries()) {
    if (found.full) return;
    schema.check(element, characters, `${path}[${at}]`, steps, found);
  }
}

/** Finds the problems of the contract itself. Each has the path `endpoint` or `endpoint.definition`. */
export function contractProblems(ready: ReadyContract): Violation[] {
  const { endpoints } = ready.contract;
  if (endpoints.size === 0) return [{ path: "endpoints", message: "the contract has no endpoints" }];
  const found = new Violations();
  for (const [name, endpoint] of endpoints) {
    if (found.full) break;
    if (endpoint.malformed !== null) found.add(name, endpoint.malformed);
    else if (endpoint.definitions.size === 0) found.add(name, `endpoint ${JSON.stringify(cut(name))} defines nothing`);
    for (const part of DEFINITIONS) {
      const definition = endpoint.definitions.get(part);
      const path = `${name}.${part}`;
      if (definition?.kind === "malformed") found.add(path, definition.message);
      if (definition?.kind === "fields") findUnknownTypes(definition.map, path, found);
      if (definition?.kind === "schema") {
        const { problem } = ready.schema(definition.schema);
        if (problem !== "") found.add(path, `the JSON Schema cannot be used: ${problem}`);
      }
    }
  }
  return found.sorted();
}

/**
 * Finds the problems in the definitions of contracts that a request has just stored. The answer to the request lists
 * them. The list has the same limits as the list for one contract, so that many contracts cost no more than one
 * contract.
 * @param read returns the name of a contract, and the contract, or a Failure if the spec is not a contract
 */
export function listWarnings<Item>(
  items: readonly Item[],
  read: (item: Item) => readonly [contract: string, ready: ReadyContract | Failure],
): ContractWarning[] {
  const warnings: ContractWarning[] = [];
  let characters = 0;
  for (const item of items) {
    if (warnings.length >= CONTRACT_VIOLATIONS_MAX || characters >= CONTRACT_VIOLATIONS_CHARACTERS_MAX) break;
    const [contract, ready] = read(item);
    if (ready instanceof Failure) continue;
    for (const { path, message } of contractProblems(ready)) {
      warnings.push({ contract, path, message });
      characters += contract.length + path.length + message.length;
    }
  }
  return warnings;
}
