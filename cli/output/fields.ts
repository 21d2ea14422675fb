/**
 * Selects members of JSON records by the names in `--fields`. Works on the JSON text, so numbers keep their digits. A
 * name may select nested members (`holder.name`) and members of array elements (`to.name` selects the name of each
 * element). All texts must be valid JSON. Pure; runs in the CLI process.
 */
import { elementTexts, memberTexts } from "../../shared/json-text.js";

/** The next member on the path to a field, and the rest of the field's name. */
interface Step {
  readonly member: string;
  readonly rest: string;
}

/**
 * Finds the member with which a field's name begins. The name of a member may itself contain dots, so the longest
 * matching member is taken.
 */
function findStep(members: ReadonlyMap<string, string>, field: string): Step | undefined {
  if (members.has(field)) return { member: field, rest: "" };
  let dot = field.lastIndexOf(".");
  for (; dot > 0; dot = field.lastIndexOf(".", dot - 1)) {
    const member = field.slice(0, dot);
    if (members.has(member)) return { member, rest: field.slice(dot + 1) };
  }
  return undefined;
}

/** Returns the JSON text of a field of a record; undefined if the record does not have it. */
export function readField(record: string, field: string): string | undefined {
  // The value is null, so each of its fields counts as null, and not as missing.
  if (field === "" || record === "null") return record;
  const elements = elementTexts(record);
  if (elements !== undefined) {
    const found = elements.map((element) => readField(element, field)).filter((text) => text !== undefined);
    return elements.length > 0 && found.length === 0 ? undefined : `[${found.join(",")}]`;
  }
  const members = memberTexts(record);
  const step = members && findStep(members, field);
  if (members === undefined || step === undefined) return undefined;
  return readField(members.get(step.member) ?? "", step.rest);
}

/** Returns the record with only the given fields, in their order and with their nesting. */
export function selectFields(record: string, fields: readonly string[]): string {
  const elements = elementTexts(record);
  if (elements !== undefined) return `[${elements.map((element) => selectFields(element, fields)).join(",")}]`;
  const members = memberTexts(record);
  // The value is null or not an object, so its fields cannot be selected and it stays whole.
  if (members === undefined) return record;
  const rests = new Map<string, string[]>();
  for (const field of fields) {
    const step = findStep(members, field);
    if (step !== undefined) rests.set(step.member, [...(rests.get(step.member) ?? []), step.rest]);
  }
  const pairs = [...rests].map(([member, within]) => {
    const text = members.get(member) ?? "";
    return `${JSON.stringify(member)}:${within.includes("") ? text : selectFields(text, within)}`;
  });
  return `{${pairs.join(",")}}`;
}
