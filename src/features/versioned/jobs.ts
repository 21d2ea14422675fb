/**
 * The jobs for the history and the diffs of a versioned key space. They run in the pool; short jobs run on the front.
 */
import { isUtf8 } from "node:buffer";
import type { TSchema } from "typebox";
import { JsonText } from "../../../schemas/json-text.js";
import { DiffRequest, HistoryRequest } from "../../../schemas/versioned.js";
import { parseJsonText, type JsonNode } from "../../base/json-node.js";
import { Failure, invalid, notFound } from "../../base/result.js";
import { formatTime } from "../../base/time.js";
import type { Model } from "../../platform/threads/model.js";
import { unaryJob } from "../../platform/threads/pool-method.js";
import { diffNodes } from "./diff.js";
import { diffLines } from "./line-diff.js";
import type { VersionedReader } from "./table.js";

/** Returns the jobs of a space. The space decides how their answers name keys. */
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

/** Returns `{<identity>,"versions":[…]}`, newest first. Returns a 404 if the key never existed. */
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

/**
 * Returns `{<identity>,"v1","v2","diffs":[…]}`. Returns a 404 if a version does not exist, and a 400 if only one of the
 * two is JSON.
 */
function diffOf(reader: VersionedReader, { key, v1, v2 }: DiffRequest): string | Failure {
  const before = contentOf(reader, key, v1);
  if (before instanceof Failure) return before;
  const after = v1 === v2 ? before : contentOf(reader, key, v2);
  if (after instanceof Failure) return after;
  const diffs = diffContents(before, after);
  if (diffs instanceof Failure) return diffs;
  return `${JSON.stringify({ ...reader.space.identity(key), v1, v2 }).slice(0, -1)},"diffs":${diffs}}`;
}

/** The value of a version, as text and as JSON. Two values are compared in one of these forms. */
interface Content {
  readonly number: number;
  /** The value as text; undefined if the value is not text. */
  readonly text: string | undefined;
  /** The value as parsed JSON; undefined if the value is not JSON. */
  readonly root: JsonNode | undefined;
  /** Whether the content type of the version says that it is text. The value itself does not matter. */
  readonly isText: boolean;
}

function contentOf(reader: VersionedReader, key: string, number: number): Content | Failure {
  const version = reader.version(key, number);
  if (version === undefined) return notFound(`version ${number} not found for ${reader.space.described(key)}`);
  const text = isUtf8(version.value) ? version.value.toString("utf8") : undefined;
  const root = text === undefined ? undefined : parseJsonText(text);
  return { number, text, root, isText: version.content_type.startsWith("text/") };
}

/**
 * Compares two texts by lines, or two JSON values by members. Returns a 400 if the versions must be compared as JSON,
 * but one of them is not JSON.
 */
function diffContents(before: Content, after: Content): string | Failure {
  const isText = (before.isText && after.isText) || (before.root === undefined && after.root === undefined);
  if (isText && before.text !== undefined && after.text !== undefined) return diffLines(before.text, after.text);
  const { root: oldRoot, text: oldText = "" } = before;
  const { root: newRoot, text: newText = "" } = after;
  if (oldRoot === undefined || newRoot === undefined)
    return invalid(`version ${(oldRoot === undefined ? before : after).number} is not JSON`);
  return diffNodes(oldText, oldRoot, newText, newRoot);
}
