/** History and diffs of a versioned key space. Run in the pool, or on the front where they are short. */
import { isUtf8 } from "node:buffer";
import type { TSchema } from "typebox";
import { JsonText } from "../../schemas/json-text.js";
import { DiffRequest, HistoryRequest } from "../../schemas/versioned.js";
import { parseJsonText, type JsonNode } from "../base/json-text.js";
import { Failure, invalid, notFound } from "../base/result.js";
import { formatTime } from "../base/time.js";
import type { Model } from "../threads/model.js";
import { unaryJob } from "../threads/pool-method.js";
import { diffNodes } from "./diff.js";
import type { VersionedReader } from "./table.js";

/** A space's jobs, which answer in its own words. */
export function versionedJobs(
  name: "state" | "spec",
  reader: Model<VersionedReader>,
  answers: { readonly history: TSchema; readonly diff: TSchema },
) {
  return {
    historyOf: unaryJob({
      name: `${name}.history`,
      request: HistoryRequest,
      reply: JsonText(answers.history),
      cost: "bounded",
      models: { reader },
      run: (opened, request) => historyOf(opened.reader, request),
    }),
    diffOf: unaryJob({
      name: `${name}.diff`,
      request: DiffRequest,
      reply: JsonText(answers.diff),
      cost: "bounded",
      models: { reader },
      run: (opened, request) => diffOf(opened.reader, request),
    }),
  };
}

/** `{<identity>,"versions":[…]}`, newest first; 404 where the key never was. */
function historyOf(reader: VersionedReader, { key, limit }: HistoryRequest): string | Failure {
  const versions = reader.history(key, limit);
  if (versions === undefined) return notFound(reader.space.missing(key));
  const identity = reader.space.identity(key);
  return JSON.stringify({
    ...identity,
    versions: versions.map((info) => ({
      ...identity,
      version: info.version,
      hash: info.hash.toString("hex"),
      content_type: info.content_type,
      updated_at: formatTime(info.updated_at),
      updated_by: info.updated_by,
    })),
  });
}

/** `{<identity>,"v1","v2","diffs":[…]}`; 404 where a version is not there, 400 where one is not JSON. */
function diffOf(reader: VersionedReader, { key, v1, v2 }: DiffRequest): string | Failure {
  const before = jsonOf(reader, key, v1);
  if (before instanceof Failure) return before;
  const after = v1 === v2 ? before : jsonOf(reader, key, v2);
  if (after instanceof Failure) return after;
  const diffs = diffNodes(before.text, before.root, after.text, after.root);
  if (diffs instanceof Failure) return diffs;
  return `${JSON.stringify({ ...reader.space.identity(key), v1, v2 }).slice(0, -1)},"diffs":${diffs}}`;
}

/** A version as JSON text and its tree. */
function jsonOf(
  reader: VersionedReader,
  key: string,
  number: number,
): { readonly text: string; readonly root: JsonNode } | Failure {
  const version = reader.version(key, number);
  if (version === undefined) return notFound(`version ${number} not found for ${reader.space.described(key)}`);
  const text = isUtf8(version.value) ? version.value.toString("utf8") : "";
  const root = parseJsonText(text);
  return root === undefined ? invalid(`version ${number} is not JSON`) : { text, root };
}
