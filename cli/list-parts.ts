/**
 * Reads the further parts of a list, and joins all parts to one answer. The server ends an answer at the `limit` of
 * its request, or when the answer would be too long, and then names the query parameters of the next part in a header.
 * Loaded only for a list that may have further parts. Runs in the CLI process.
 */
import { elementTexts, isJson, memberTexts } from "../shared/json-text.js";
import type { AskPath } from "./command-row.js";
import type { Answer } from "./exchange.js";
import { LISTS, type List, type ListName } from "./output/lists.js";

export interface FirstPart {
  readonly list: ListName;
  readonly answer: Answer;
  /** The path of the first request, with its query. */
  readonly path: string;
  /** The query parameter that limits the number of records. */
  readonly limitName: string;
  /** The number of records after which the list ends; undefined if it ends with the last record. */
  readonly rowsMax: number | undefined;
}

/** The records of one answer, as JSON texts, and the answer's members. An array has no members. */
interface Part {
  readonly records: readonly string[];
  readonly members: ReadonlyMap<string, string>;
}

function partOf(body: Buffer, member: string | undefined): Part | undefined {
  const text = body.toString("utf8");
  if (!isJson(text)) return undefined;
  const members = (member === undefined ? undefined : memberTexts(text)) ?? new Map<string, string>();
  const records = elementTexts(member === undefined ? text : (members.get(member) ?? ""));
  return records && { records, members };
}

function bodyOf(records: readonly string[], members: ReadonlyMap<string, string>, member?: string): Buffer {
  const array = `[${records.join(",")}]`;
  if (member === undefined) return Buffer.from(`${array}\n`);
  const pairs = [...members].map(([name, json]) => `${JSON.stringify(name)}:${name === member ? array : json}`);
  return Buffer.from(`{${pairs.join(",")}}\n`);
}

/**
 * Returns the answer with the records of all parts. Its other members are those of the last part that has them. If a
 * request fails, the whole list fails, because a list without its end looks complete.
 */
export async function readAllParts<Refused extends object>(
  { list, answer: first, path, limitName, rowsMax = Number.POSITIVE_INFINITY }: FirstPart,
  ask: AskPath<Refused>,
): Promise<Answer | Refused> {
  const { member }: List = LISTS[list];
  const url = new URL(path, "http://server");
  const records: string[] = [];
  const members = new Map<string, string>();
  let answer = first;
  for (;;) {
    const part = partOf(answer.body, member);
    // The output says that the answer is not JSON.
    if (part === undefined) return answer;
    for (const record of part.records) records.push(record);
    for (const [name, json] of part.members) members.set(name, json);
    const next = new URLSearchParams(answer.next ?? "");
    const left = rowsMax - records.length;
    if (left <= 0 || next.size === 0)
      return records.length === part.records.length ? answer : { ...answer, body: bodyOf(records, members, member) };
    // The server may have held the first request until there was something to list.
    url.searchParams.delete("wait");
    if (Number.isFinite(left)) url.searchParams.set(limitName, String(left));
    for (const [name, value] of next) url.searchParams.set(name, value);
    const got = await ask(url.pathname + url.search);
    if (!("body" in got)) return got;
    answer = got;
  }
}
