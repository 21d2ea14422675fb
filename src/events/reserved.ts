/**
 * Guards the topics and sources that only the server publishes under, so that subscribers can trust them: a client
 * cannot claim that a lease was granted. A topic is reserved by its first segment, in any case and in any Unicode form.
 * Pure.
 */
import { SERVER_SOURCES, SERVER_TOPICS, type PublishBody } from "../../schemas/events.js";
import { lineProblem } from "../../schemas/text.js";
import { Failure, invalid } from "../base/result.js";

/** Some have no topic yet. They are reserved for topics that the server may publish later. */
const RESERVED_SEGMENTS: ReadonlySet<string> = new Set([
  ...SERVER_TOPICS.map((topic) => topic.slice(0, topic.indexOf("."))),
  "cluster",
  "instance",
  "radar",
]);
const RESERVED_SOURCES: ReadonlySet<string> = new Set(SERVER_SOURCES);
const PLAIN = /^[\x21-\x7e]*$/;
/** Invisible characters, and spaces at the ends of a segment. */
const UNSEEN = /[\p{Default_Ignorable_Code_Point}\p{Cf}\p{Z}]/gu;

/** Normalizes a text to what a reader sees: lower case, one form of each character, no invisible characters. */
function plainForm(text: string): string {
  return (PLAIN.test(text) ? text : text.normalize("NFKC").replace(UNSEEN, "")).toLowerCase();
}

/**
 * Returns the refusal of an event by its names, or null. It is a 403 if only the server publishes under that name, even
 * if invisible characters disguise it; otherwise a 400 if a name has invisible characters.
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
