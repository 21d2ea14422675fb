/**
 * Selects members of JSON records by the names in `--fields`. Works on the JSON text, so numbers keep their digits. A
 * name may lead into nested members (`holder.name`) and through arrays (`to.name`: that of each element). All texts are
 * texts that JSON.parse accepts. Pure; runs in the CLI process.
 */
import { elementTexts, memberTexts } from "../../shared/json-text.js";

/** A member on the way to a field, and the rest of the field's name after it. */
interface Step {
  readonly member: string;
  readonly rest: string;
}

/** Finds the member that a field's name begins with. A member's own name may have dots, so the longest one counts. */
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
  // Every field of null is null: the member is known, but it has no value here.
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

/** Returns the record with the given fields only, in their order and nested as they were. */
export function selectFields(record: string, fields: readonly string[]): string {
  const elements = elementTexts(record);
  if (elements !== undefined) return `[${elements.map((element) => selectFields(element, fields)).join(",")}]`;
  const members = memberTexts(record);
  // A field of a member that is null, or no object, leaves the member as it is.
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
