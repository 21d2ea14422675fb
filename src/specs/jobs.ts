/** Listing specs and projects. Runs in the pool, or on the front where it is short. */
import { specKeyPrefix, splitSpecKey, type SpecListRequest } from "../../schemas/specs.js";
import { formatTime } from "../base/time.js";
import type { ReadContext } from "../store/read-context.js";

/** Keys that are read from the database at once. */
const LIST_PAGE_KEYS = 500;

/** `{"project","specs":[{"name","version","updated_at"}]}` by name. */
export function* listSpecs(context: ReadContext, { project }: SpecListRequest): Generator<string, void, undefined> {
  yield `{"project":${JSON.stringify(project)},"specs":[`;
  const prefix = specKeyPrefix(project);
  let separator = "";
  for (let after = "", more = true; more; ) {
    const rows = context.specs.list(prefix, after, LIST_PAGE_KEYS);
    more = rows.length === LIST_PAGE_KEYS;
    for (const { key, version, updated_at } of rows) {
      yield `${separator}{"name":${JSON.stringify(splitSpecKey(key).name)},"version":${version},"updated_at":"${formatTime(updated_at)}"}`;
      separator = ",";
      after = key;
    }
  }
  yield "]}";
}

/** `{"projects":[{"project","specs"}]}` by project. */
export function* listProjects(context: ReadContext): Generator<string, void, undefined> {
  yield `{"projects":[`;
  let separator = "";
  for (let first = context.specs.list("", "", 1)[0]?.key; first !== undefined; ) {
    const { project } = splitSpecKey(first);
    const prefix = specKeyPrefix(project);
    yield `${separator}{"project":${JSON.stringify(project)},"specs":${context.specs.countPrefix(prefix)}}`;
    separator = ",";
    first = context.specs.afterPrefix(prefix);
  }
  yield "]}";
}
