/**
 * Selects members of JSON records by the names in `--fields`. Works on the JSON text, so numbers keep their digits.
 * `holder.name` selects a nested member. `to.name` selects the name of each element if `to` is an array. The texts must
 * be valid JSON. Pure; runs in the CLI process.
 */
import { elementTexts, memberTexts } from "../../shared/json-text.js";

/** One step on the way to a nested field: the next member, and the part of the field's name after it. */
interface Step {
  readonly member: string;
  readonly rest: string;
}

/**
 * Finds the member with which a field's name begins. Names of members may contain dots, so the longest match counts.
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

/** Returns the JSON text of a field of a record; undefined if the record lacks the field. */
export function readField(record: string, field: string): string | undefined {
  // A field of null counts as null, and not as missing.
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

/** Reduces a record to the given fields. Their order is that of `fields`, and nested members stay nested. */
export function selectFields(record: string, fields: readonly string[]): string {
  const elements = elementTexts(record);
  if (elements !== undefined) return `[${elements.map((element) => selectFields(element, fields)).join(",")}]`;
  const members = memberTexts(record);
  // The value has no members to select (for example null or a number), so all of it is kept.
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
