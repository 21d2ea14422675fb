/**
 * Rejects client events with topics and sources that only the server may use. So subscribers can trust, for example,
 * that an event about a granted lease comes from the server. The first segment of a topic decides whether it is
 * reserved. Letter case and Unicode form do not matter. Pure.
 */
import { SERVER_SOURCES, SERVER_TOPICS, type PublishBody } from "../../../schemas/events.js";
import { lineProblem } from "../../../schemas/text.js";
import { Failure, invalid } from "../../base/result.js";

/**
 * The first segments of reserved topics. `cluster`, `instance` and `radar` are reserved for topics that the server may
 * publish later.
 */
const RESERVED_SEGMENTS: ReadonlySet<string> = new Set([
  ...SERVER_TOPICS.map((topic) => topic.slice(0, topic.indexOf("."))),
  "cluster",
  "instance",
  "radar",
]);
const RESERVED_SOURCES: ReadonlySet<string> = new Set(SERVER_SOURCES);
const PLAIN = /^[\x21-\x7e]*$/;
/** Matches characters that a reader may not see: invisible characters, and spaces at the end of a segment. */
const UNSEEN = /[\p{Default_Ignorable_Code_Point}\p{Cf}\p{Z}]/gu;

/**
 * Normalizes a text, so that texts that look the same become equal. The result is in lower case and in one Unicode
 * form, and has no invisible characters.
 */
function plainForm(text: string): string {
  return (PLAIN.test(text) ? text : text.normalize("NFKC").replace(UNSEEN, "")).toLowerCase();
}

/**
 * Checks the topic and the source of an event. Returns null if both are allowed. Returns a 403 if one of them is
 * reserved, even if invisible characters disguise it. Returns a 400 if one of them has invisible characters.
 */
export function refuseNames(event: PublishBody, place: string): Failure | null {
  const reserved = refuseReserved(event, place);
  if (reserved !== null) return reserved;
  for (const name of ["topic", "source"] as const) {
    const problem = lineProblem(event[name] ?? "");
    if (problem !== null) return invalid(`${place}${name} ${problem}`);
  }
  return null;
}

function refuseReserved({ topic, source }: PublishBody, place: string): Failure | null {
  const plain = plainForm(topic);
  const dot = plain.indexOf(".");
  const segment = dot < 0 ? "" : plain.slice(0, dot);
  if (RESERVED_SEGMENTS.has(segment))
    return new Failure(
      "PERMISSION_DENIED",
      `${place}topic: only the server publishes topics that begin with "${segment}.": begin it with another word`,
    );
  if (source !== undefined && RESERVED_SOURCES.has(plainForm(source)))
    return new Failure(
      "PERMISSION_DENIED",
      `${place}source: only the server publishes as "${plainForm(source)}": name who publishes, or leave it out`,
    );
  return null;
}
