/**
 * Reading a template as it is sent: its members, and whether its data fits its kind. Pure; the patterns of its
 * rules are compiled by the caller.
 */
import {
  KEY_BYTES_MAX,
  TEMPLATE_CONTRACTS_MAX,
  TEMPLATE_DESCRIPTION_BYTES_MAX,
  TEMPLATE_ID_BYTES_MAX,
  TEMPLATE_NAME_BYTES_MAX,
  TEMPLATE_TAGS_MAX,
  TEMPLATE_TAG_BYTES_MAX,
} from "../../schemas/limits.js";
import type { CheckedRule } from "../../schemas/rules.js";
import { TEMPLATE_KINDS, type CheckedTemplate, type TemplateKind } from "../../schemas/templates.js";
import type { JsonText } from "../base/json-bytes.js";
import { memberTexts } from "../base/json-text.js";
import { WrongMember, checkText, memberOf, membersOf, readName, readText, type Members } from "../base/members.js";
import { hasControlCharacter } from "../base/path.js";
import { Failure, invalid } from "../base/result.js";
import { readRules, type RuleReading } from "../rules/rule.js";

/** The data of a template of rules that has none. */
const NO_RULES = "[]";

type SizeOf = RuleReading["sizeOf"];

function readKind(members: Members): TemplateKind {
  const value = readText(members, "kind", TEMPLATE_ID_BYTES_MAX, TEMPLATE_KINDS[0]);
  const kind = TEMPLATE_KINDS.find((known) => known === value);
  if (kind === undefined)
    throw new WrongMember(`kind must be ${TEMPLATE_KINDS.slice(0, -1).join(", ")} or ${TEMPLATE_KINDS.at(-1)}`);
  return kind;
}

function readTags(members: Members): string[] {
  const value = memberOf(members, "tags");
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw new WrongMember("tags must be an array of strings");
  if (value.length > TEMPLATE_TAGS_MAX) throw new WrongMember(`tags must have at most ${TEMPLATE_TAGS_MAX} items`);
  for (const [at, tag] of value.entries()) checkText(tag, `tags[${at}]`, TEMPLATE_TAG_BYTES_MAX);
  return value as string[];
}

function readTemplateRules(value: unknown, what: string, sizeOf: SizeOf): CheckedRule[] {
  // An empty array is no import that somebody sent by mistake.
  if (Array.isArray(value) && value.length === 0) return [];
  const rules = readRules(value, what, { use: "import", project: "", actor: "", sizeOf });
  if (rules instanceof Failure) throw new WrongMember(rules.message);
  return rules;
}

/** Throws unless the value is a contract at first sight; whether it is a good one is said where it is used. */
function checkContract(value: unknown, what: string): void {
  const contract = membersOf(value);
  if (
    contract === undefined ||
    memberOf(contract, "kind") !== "contract" ||
    membersOf(memberOf(contract, "endpoints")) === undefined
  ) {
    throw new WrongMember(`${what} must be a contract: {"kind":"contract","endpoints":{…}}`);
  }
}

function readBundle(value: unknown, sizeOf: SizeOf): CheckedRule[] {
  const bundle = membersOf(value);
  const rules = bundle === undefined ? undefined : memberOf(bundle, "rules");
  const contracts = bundle === undefined ? undefined : memberOf(bundle, "contracts");
  if (rules === undefined && contracts === undefined)
    throw new WrongMember("data must be an object with rules or contracts");
  if (contracts !== undefined) {
    const named = membersOf(contracts);
    if (named === undefined) throw new WrongMember("data.contracts must be an object of contracts by name");
    const names = Object.keys(named);
    if (names.length > TEMPLATE_CONTRACTS_MAX)
      throw new WrongMember(`data.contracts must have at most ${TEMPLATE_CONTRACTS_MAX} members`);
    for (const name of names) {
      const what = `data.contracts[${JSON.stringify(name)}]`;
      if (name === "" || hasControlCharacter(name))
        throw new WrongMember(`${what}: a name must not be empty or contain control characters`);
      checkText(name, `the name of ${what}`, KEY_BYTES_MAX);
      checkContract(named[name], what);
    }
  }
  return rules === undefined ? [] : readTemplateRules(rules, "data.rules", sizeOf);
}

/** What of the data is rules, where it fits its kind. */
const DATA: Readonly<Record<TemplateKind, (value: unknown, sizeOf: SizeOf) => CheckedRule[]>> = {
  rules: (value, sizeOf) => readTemplateRules(value, "data", sizeOf),
  contracts: (value) => {
    checkContract(value, "data");
    return [];
  },
  bundle: readBundle,
};

/** Reads a template; its data stays the text that was sent. */
export function readTemplate({ text, json }: JsonText, sizeOf: SizeOf): CheckedTemplate | Failure {
  const members = membersOf(json);
  if (members === undefined) return invalid("the body must be an object");
  try {
    const id = readName(members, "id", TEMPLATE_ID_BYTES_MAX);
    const name = readText(members, "name", TEMPLATE_NAME_BYTES_MAX);
    if (name === "") throw new WrongMember("name is required");
    const kind = readKind(members);
    const description = readText(members, "description", TEMPLATE_DESCRIPTION_BYTES_MAX);
    const tags = readTags(members);
    const given = memberTexts(text)?.get("data");
    if (given === undefined && kind !== "rules") throw new WrongMember("data is required");
    return {
      id,
      name,
      description,
      kind,
      tags,
      data: given ?? NO_RULES,
      rules: given === undefined ? [] : DATA[kind](memberOf(members, "data"), sizeOf),
    };
  } catch (error) {
    if (!(error instanceof WrongMember)) throw error;
    return invalid(error.message);
  }
}

/** The specs that a template's data becomes: name and JSON text. */
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
