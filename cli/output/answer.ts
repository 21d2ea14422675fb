/**
 * Formats an answer with the members that `--fields` selects, or as text for people on a terminal: a list becomes a
 * table, and any other answer becomes lines. The module is loaded only if one of the two is needed, so that other
 * commands start fast. Runs in the CLI process.
 */
import { elementTexts, isJson, memberTexts } from "../../shared/json-text.js";
import { readField, selectFields } from "./fields.js";
import { LISTS, type Column, type List, type ListName } from "./lists.js";
import { formatColumns, formatRecord, formatRecords, type PersonOptions } from "./record.js";

export interface AnswerOptions {
  /** The name of the list in the command's answer; undefined if the answer has no list. */
  readonly list: ListName | undefined;
  /** The members to select; undefined means all. */
  readonly fields: readonly string[] | undefined;
}

/** The records of an answer, and its other members. */
interface Parts {
  readonly records: readonly string[];
  readonly list: List | undefined;
  /** The answer without its records, as JSON text; undefined if the answer itself is the array of records. */
  readonly others: string | undefined;
}

/** Returns the record with an additional first member, which has the record's name. */
function withName(named: string, name: string, record: string): string {
  const pair = `${JSON.stringify(named)}:${JSON.stringify(name)}`;
  const inside = record.trim().slice(1).trimStart();
  return inside.startsWith("}") ? `{${pair}}` : `{${pair},${inside}`;
}

function joinMembers(members: Iterable<readonly [string, string]>): string {
  return `{${[...members].map(([name, json]) => `${JSON.stringify(name)}:${json}`).join(",")}}`;
}

/** Splits an answer into its records and the rest; undefined if the answer is not a list. */
function splitAnswer(text: string, list: List | undefined): Parts | undefined {
  const elements = elementTexts(text);
  if (elements !== undefined) return { records: elements, list, others: undefined };
  const members = memberTexts(text);
  if (list?.member === undefined || members === undefined) return undefined;
  const json = members.get(list.member);
  if (json === undefined) return undefined;
  const others = joinMembers([...members].filter(([name]) => name !== list.member));
  const { named } = list;
  if (named === undefined) {
    const records = elementTexts(json);
    return records && { records, list, others };
  }
  const byName = memberTexts(json);
  return byName && { records: [...byName].map(([name, record]) => withName(named, name, record)), list, others };
}

/**
 * Returns the selected fields that no record has. If there are no records, returns none, because nothing is known about
 * them.
 */
export function findMissing(text: string, { list, fields = [] }: AnswerOptions): readonly string[] {
  const parts = splitAnswer(text, list && LISTS[list]);
  const records = parts?.records ?? [text];
  if (records.length === 0) return [];
  return fields.filter((field) => records.every((record) => readField(record, field) === undefined));
}

/** Returns the JSON text with only the selected members of each record. The text around the records is unchanged. */
export function selectAnswer(text: string, { list: name, fields = [] }: AnswerOptions): string {
  const list: List | undefined = name && LISTS[name];
  const members = list?.member === undefined ? undefined : memberTexts(text);
  const json = list?.member === undefined ? undefined : members?.get(list.member);
  if (list?.member === undefined || members === undefined || json === undefined) return selectFields(text, fields);
  const selected =
    list.named === undefined
      ? selectFields(json, fields)
      : joinMembers([...(memberTexts(json) ?? [])].map(([key, record]) => [key, selectFields(record, fields)]));
  return joinMembers([...members].map(([key, value]) => [key, key === list.member ? selected : value]));
}

/** Formats an answer for a terminal. Returns undefined if it is not JSON. */
export function formatForPerson(
  text: string,
  { list: name, fields }: AnswerOptions,
  options: PersonOptions,
): string | undefined {
  if (!isJson(text)) return undefined;
  const parts = splitAnswer(text, name && LISTS[name]);
  if (parts === undefined) return formatRecord(fields ? selectFields(text, fields) : text, options);
  const { records, list, others } = parts;
  const above = list?.withOthers && others !== undefined && !fields ? formatRecord(others, options) : "";
  const start = above === "" ? "" : `${above}\n`;
  if (records.length === 0) return `${start}${list?.empty ?? "none"}\n`;
  if (!records.every((record) => record.startsWith("{"))) return undefined;
  const columns = fields?.map((field): Column => ({ field, title: field.toUpperCase(), wrap: true })) ?? list?.columns;
  if (columns === undefined) return start + formatRecords(records, options);
  return start + formatColumns(records, columns, { ...options, mayOmit: fields === undefined });
}
