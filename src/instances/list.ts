/** The answer that lists instances: a long one is made a page in each turn of the loop. Runs on the front. */
import { INSTANCE_LIST_PAGE } from "../../schemas/limits.js";
import { jsonReply, readReply } from "../front/reply.js";
import type { Answer } from "../front/route.js";
import { encodeInstance, matchesFilter, type Entry, type InstanceFilter } from "./directory.js";

/** Those of the entries that match, in their order. */
export function listReply(entries: readonly Entry[], filter: InstanceFilter): Answer | Promise<Answer> {
  if (entries.length > INSTANCE_LIST_PAGE) return readReply(inTurns(entries, filter));
  const found = entries.filter((entry) => matchesFilter(entry, filter));
  return jsonReply(`[${found.map(encodeInstance).join(",")}]`);
}

/** Others are served in between. */
async function* inTurns(entries: readonly Entry[], filter: InstanceFilter): AsyncGenerator<string, void, undefined> {
  let separator = "[";
  for (let at = 0; at < entries.length; at += INSTANCE_LIST_PAGE) {
    const found = entries.slice(at, at + INSTANCE_LIST_PAGE).filter((entry) => matchesFilter(entry, filter));
    if (found.length > 0) {
      yield separator + found.map(encodeInstance).join(",");
      separator = ",";
    }
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
  yield separator === "[" ? "[]" : "]";
}
