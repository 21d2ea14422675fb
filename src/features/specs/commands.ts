/**
 * The writer methods that change specs. versioned/commands.ts stores the versions. The methods run in the writer
 * thread.
 */
import { specName } from "../../../schemas/specs.js";
import { unpackBytes } from "../../base/bytes.js";
import { Failure } from "../../base/result.js";
import { claimRegistry } from "../claims/claim-registry.js";
import { changes, inRequest, reportByName } from "../../platform/threads/changes.js";
import { writerMethod } from "../../platform/threads/writer-method.js";
import {
  DELETE,
  PUT,
  ROLLBACK,
  rollbackDetail,
  versionDetail,
  versionedWriter,
  versionOf,
} from "../versioned/commands.js";
import { SPECS } from "../versioned/space.js";

export const specWriter = versionedWriter(SPECS);
const models = { specs: specWriter, book: claimRegistry };

function resource({ key = "" }: { readonly key?: string }): string {
  return specName(key);
}

const keysOf = ({ key }: { readonly key: string }): readonly string[] => [key];
const changed = [changes("spec", reportByName(resource, versionOf), inRequest(keysOf))];
const deleted = [changes("spec", reportByName(resource), inRequest(keysOf))];

export const putSpec = writerMethod({
  ...PUT,
  name: "spec.put",
  audit: { action: "spec.put", resource, detail: versionDetail },
  changes: changed,
  models,
  run: ({ specs, book }, { key, value, content_type, condition, fence }, { nowMs, actor }) =>
    book.refuseWrite("spec", key, fence, actor) ??
    specs.put(key, unpackBytes(value), content_type, condition, nowMs, actor),
});

export const rollbackSpec = writerMethod({
  ...ROLLBACK,
  name: "spec.rollback",
  audit: { action: "spec.rollback", resource, detail: rollbackDetail },
  changes: changed,
  models,
  run: ({ specs, book }, { key, version, condition, fence }, { nowMs, actor }) =>
    book.refuseWrite("spec", key, fence, actor) ?? specs.rollback(key, version, condition, nowMs, actor),
});

export const deleteSpec = writerMethod({
  ...DELETE,
  name: "spec.delete",
  audit: { action: "spec.delete", resource, detail: versionDetail },
  changes: deleted,
  models,
  run: ({ specs, book }, { key, condition, fence }, { actor }) => {
    const reply = book.refuseWrite("spec", key, fence, actor) ?? specs.delete(key, condition);
    return reply instanceof Failure ? reply : { version: reply.version };
  },
});
