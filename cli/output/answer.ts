/**
 * Formats an answer for `--fields`, or as text for people on a terminal. A list becomes a table; any other answer
 * becomes lines. The module is loaded only in these two cases, so that other commands start fast. Runs in the CLI
 * process.
 */
import { elementTexts, isJson, memberTexts } from "../../shared/json-text.js";
import { readField, selectFields } from "./fields.js";
import { LISTS, type Column, type List, type ListName } from "./lists.js";
import { formatColumns, formatRecord, formatRecords, type PersonOptions } from "./record.js";

export interface AnswerOptions {
  /** The name of the list that the answer contains; undefined if it contains none. */
  readonly list: ListName | undefined;
  /** The members to select; undefined means all. */
  readonly fields: readonly string[] | undefined;
}

/** The two parts of an answer that contains a list: the records of the list, and the rest. */
interface Parts {
  readonly records: readonly string[];
  readonly list: List | undefined;
  /** The answer without the list, as JSON text. Undefined if the answer itself is the array of records. */
  readonly others: string | undefined;
}

/** Returns the JSON text of a record with an additional first member. The member contains the name of the record. */
function withName(named: string, name: string, record: string): string {
  const pair = `${JSON.stringify(named)}:${JSON.stringify(name)}`;
  const inside = record.trim().slice(1).trimStart();
  return inside.startsWith("}") ? `{${pair}}` : `{${pair},${inside}`;
}

function joinMembers(members: Iterable<readonly [string, string]>): string {
  return `{${[...members].map(([name, json]) => `${JSON.stringify(name)}:${json}`).join(",")}}`;
}

/** Splits an answer into the records of its list and the rest; undefined if the answer contains no list. */
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

/** Returns the selected fields that no record has. Without records, every field could exist, so none is returned. */
export function findMissing(text: string, { list, fields = [] }: AnswerOptions): readonly string[] {
  const parts = splitAnswer(text, list && LISTS[list]);
  const records = parts?.records ?? [text];
  if (records.length === 0) return [];
  return fields.filter((field) => records.every((record) => readField(record, field) === undefined));
}

/** Reduces each record of an answer to its selected members. The other members of the answer are unchanged. */
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
