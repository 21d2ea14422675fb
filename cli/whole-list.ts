/**
 * Reads a list that the server may send in several answers. Without a limit of the user, the list is complete, because
 * a script cannot see that records are missing. Runs in the CLI process.
 */
import { CLI_LIST_PAGE_ROWS } from "../schemas/limits/cli.js";
import type { AskPath, ListParts } from "./command-row.js";
import type { Answer } from "./exchange.js";
import type { ListName } from "./output/lists.js";

export interface ListCall {
  readonly list: ListName;
  readonly parts: ListParts;
  /** The path of the list, with the query. */
  readonly path: string;
  /** The query parameter that limits the number of records. */
  readonly limitName: string;
  /** The limit of the user; undefined if there is none. */
  readonly limit: string | undefined;
}

/** Returns the answer with all records of a list; with a limit of the user at most that many. */
export async function askForList<Refused extends object>(
  { list, parts, path, limitName, limit }: ListCall,
  ask: AskPath<Refused>,
): Promise<Answer | Refused> {
  const isPaged = parts.paged === true && limit === undefined;
  const first = isPaged ? `${path}${path.includes("?") ? "&" : "?"}${limitName}=${CLI_LIST_PAGE_ROWS}` : path;
  const answer = await ask(first);
  if (!("body" in answer) || answer.next === undefined) return answer;
  const { readAllParts } = await import("./list-parts.js");
  const rowsMax = limit === undefined ? parts.rowsDefault : Number(limit);
  return await readAllParts({ list, answer, path: first, limitName, rowsMax }, ask);
}
