/**
 * Parses the template of a request. First it checks the members other than `data`, and then the data, whose shape
 * depends on the kind. Rules are parsed with the same code as in other requests (rules/rule.ts). Parsing may take long,
 * so it runs only in the pool and in the thread of a restore.
 */
import type { Static } from "typebox";
import { ContractDocument } from "../../../schemas/contracts.js";
import { TEMPLATE_CONTRACTS_MAX } from "../../../schemas/limits/templates.js";
import type { CheckedRule } from "../../../schemas/rules.js";
import {
  BundledName,
  TemplateHead,
  type CheckedTemplate,
  type TemplateKind,
  type TemplateRequest,
} from "../../../schemas/templates.js";
import { textProblem } from "../../../schemas/text.js";
import type { JsonText } from "../../base/json-bytes.js";
import { memberTexts } from "../../../shared/json-text.js";
import { isJsonObject, type JsonObject } from "../../../shared/json-object.js";
import { Failure, invalid } from "../../base/result.js";
import { checkShape, hasShape } from "../../base/shape.js";
import { maskStoredNames } from "../../base/stored-names.js";
import { shorten } from "../../../shared/shorten.js";
import { readRules, type RuleReading, TEMPLATED } from "../rules/rule.js";

/** The data of a template of rules if the request has none. */
const NO_RULES = "[]";

/** Parses a template. Its data is stored as the text that the client sent. Call `loadRuleReading` before. */
export function readTemplate({ text, json }: JsonText, reading = TEMPLATED): CheckedTemplate | Failure {
  const isStored = reading.stored === true;
  const refusal = checkShape(isStored ? maskStoredNames(json) : json, TemplateHead);
  if (refusal !== null) return refusal;
  const { id, name, description = "", kind: givenKind = "", tags = [] } = json as Static<typeof TemplateHead>;
  const kind = givenKind === "" ? "rules" : givenKind;
  const data = memberTexts(text)?.get("data");
  if (data === undefined && kind !== "rules") return invalid("data is required");
  const rules = data === undefined ? [] : READERS[kind]((json as JsonObject)["data"], reading);
  if (rules instanceof Failure) return rules;
  return { id, name, description, kind, tags: [...tags], data: data ?? NO_RULES, rules };
}

/** Returns the id of a rejected template. Leaves it out if the id itself is invalid. */
export function subjectOf(json: unknown): Partial<TemplateRequest> {
  const id: unknown = typeof json === "object" && json !== null && "id" in json ? json.id : undefined;
  return hasShape(id, TemplateHead.properties.id) ? { id } : {};
}

/** The function for each kind of template that checks its data and returns the rules in it. */
const READERS: Readonly<Record<TemplateKind, (data: unknown, reading: RuleReading) => CheckedRule[] | Failure>> = {
  rules: (data, reading) => readRules(data, { name: "data", at: "/data" }, reading),
  contracts: (data) => refuseContract(data, "data") ?? [],
  bundle: readBundle,
};

function readBundle(data: unknown, reading: RuleReading): CheckedRule[] | Failure {
  const { rules, contracts } = isJsonObject(data) ? data : {};
  if (rules === undefined && contracts === undefined) return invalid("data must be an object with rules or contracts");
  const refusal = contracts === undefined ? null : refuseContracts(contracts, reading.stored === true);
  if (refusal !== null) return refusal;
  return rules === undefined ? [] : readRules(rules, { name: "data.rules", at: "/data/rules" }, reading);
}

function refuseContracts(contracts: unknown, isStored: boolean): Failure | null {
  if (!isJsonObject(contracts)) return invalid("data.contracts must be an object of contracts by name");
  const named = Object.entries(contracts);
  if (named.length > TEMPLATE_CONTRACTS_MAX)
    return invalid(`data.contracts must have at most ${TEMPLATE_CONTRACTS_MAX} members`);
  for (const [name, contract] of named) {
    const what = `data.contracts[${JSON.stringify(shorten(name))}]`;
    const problem = textProblem(name, BundledName.text, isStored);
    const refusal = problem === null ? refuseContract(contract, what) : invalid(`the name of ${what} ${problem}`);
    if (refusal !== null) return refusal;
  }
  return null;
}

function refuseContract(value: unknown, what: string): Failure | null {
  if (hasShape(value, ContractDocument)) return null;
  return invalid(`${what} must be a contract: {"kind":"contract","endpoints":{…}}`);
}

/** Returns the name and the JSON text of each spec in a template's data. */
export function contractsOf(
  kind: TemplateKind,
  id: string,
  data: string,
): readonly (readonly [name: string, text: string])[] {
  if (kind === "contracts") return [[id, data]];
  if (kind === "rules") return [];
  const contracts = memberTexts(data)?.get("contracts");
  return contracts === undefined ? [] : [...(memberTexts(contracts) ?? [])];
}
