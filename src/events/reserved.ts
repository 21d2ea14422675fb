/**
 * Topics and sources that only the server publishes under, so that whoever listens can rely on them: a client cannot
 * claim that a lease was granted. A topic is reserved by its first segment, whatever its case and however its
 * characters are written in Unicode. Pure.
 */
import { SERVER_SOURCES, SERVER_TOPICS, type PublishBody } from "../../schemas/events.js";
import { lineProblem } from "../../schemas/text.js";
import { Failure, invalid } from "../base/result.js";

/** Some have no topic yet: they are kept for those that the server may publish one day. */
const RESERVED_SEGMENTS: ReadonlySet<string> = new Set([
  ...SERVER_TOPICS.map((topic) => topic.slice(0, topic.indexOf("."))),
  "cluster",
  "instance",
  "radar",
]);
const RESERVED_SOURCES: ReadonlySet<string> = new Set(SERVER_SOURCES);
const PLAIN = /^[\x21-\x7e]*$/;
/** Characters that are not seen, and spaces at the ends of a segment. */
const UNSEEN = /[\p{Default_Ignorable_Code_Point}\p{Cf}\p{Z}]/gu;

/** The text as a reader takes it: one case, one form of each character, and nothing that is not seen. */
function plainForm(text: string): string {
  return (PLAIN.test(text) ? text : text.normalize("NFKC").replace(UNSEEN, "")).toLowerCase();
}

/**
 * The refusal of an event by its names: a 403 where only the server publishes it, also where characters that cannot be
 * seen are to hide that, else a 400 for such characters; null for any other event.
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
