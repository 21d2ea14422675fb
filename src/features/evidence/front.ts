/** Handles the HTTP requests about records of commands. Runs on the front. */
import type { Static } from "typebox";
import {
  CI_ACTOR,
  type EvidenceBody,
  type EvidenceQuery,
  type RecordEvidenceRequest,
  type SeenBy,
} from "../../../schemas/evidence.js";
import { EVIDENCE_REGISTRANTS_MAX, EVIDENCE_ROWS_DEFAULT } from "../../../schemas/limits/evidence.js";
import { normalizeCommand } from "../../../shared/command-text.js";
import type { Log } from "../../base/log.js";
import { Failure, notFound } from "../../base/result.js";
import { shorten } from "../../../shared/shorten.js";
import { sentWorkspace } from "../../base/workspace-header.js";
import { jsonReply, listReply } from "../../platform/front/reply.js";
import { mayAll } from "../../platform/front/roles.js";
import type { Answer, Request } from "../../platform/front/route.js";
import type { CallContext } from "../../platform/rpc/frames.js";
import type { Reads } from "../../platform/threads/reads.js";
import type { Writer } from "../../platform/threads/writer.js";
import type { LeaseProjection } from "../claims/lease-projection.js";
import type { Directory } from "../instances/directory.js";
import type { Entry } from "../instances/entry.js";
import { recordEvidence } from "./commands.js";
import { encodeEvidence } from "./encode.js";
import { listEvidence } from "./jobs.js";
import { evidenceReader, type EvidenceReader } from "./table.js";

export interface EvidenceFrontOptions {
  /** Whether the server requires tokens. */
  readonly guarded: boolean;
  readonly writer: Writer;
  readonly reads: Reads;
  readonly directory: Pick<Directory, "get" | "rootOf">;
  readonly leases: Pick<LeaseProjection, "of">;
  readonly log: Log;
}

const ONLY_CI = new Failure("PERMISSION_DENIED", "seen_by ci needs the token of CI (see --ci-token)");
const ID = /^[1-9]\d{0,15}$/;

export class EvidenceFront {
  readonly #options: EvidenceFrontOptions;
  readonly #reader: EvidenceReader;

  constructor(options: EvidenceFrontOptions) {
    this.#options = options;
    this.#reader = options.reads.model(evidenceReader);
  }

  /** Stores a record, and replies with it. */
  async record({
    json,
    headers,
    caller,
    context,
  }: Pick<
    Request<readonly string[], unknown, "x-koor-workspace", EvidenceBody>,
    "json" | "headers" | "caller" | "context"
  >): Promise<Answer> {
    const { guarded, writer, directory, log } = this.#options;
    const isCi = caller.role === "ci";
    // A record that is sent with CI's token always has the origin `ci`, because only CI has this token.
    const seenBy: SeenBy = isCi ? "ci" : (json.seen_by ?? "agent");
    if (guarded && seenBy === "ci" && !isCi) return ONLY_CI;
    const command = normalizeCommand(json.command);
    const fallback = sentWorkspace(headers["x-koor-workspace"]);
    if (fallback instanceof Failure) return fallback;
    const instance = directory.get(context.actor);
    const request: RecordEvidenceRequest = {
      ...originOf(instance, isCi),
      workspace: json.workspace ?? instance?.workspace ?? fallback,
      task: json.task === undefined ? this.#onlyTaskOf(context.actor) : json.task,
      seen_by: seenBy,
      client: json.client ?? "",
      command,
      exit_code: json.exit_code ?? null,
      duration_ms: json.duration_ms ?? null,
      tree_before: json.tree_before ?? null,
      tree_after: json.tree_after ?? null,
      head: json.head ?? null,
      checkout: json.checkout ?? instance?.checkout?.id ?? null,
      tail: json.tail ?? null,
      registrant: instance === undefined ? null : directory.rootOf(instance, EVIDENCE_REGISTRANTS_MAX),
      // A record that is sent with CI's token may be about any task, because it reports a command that CI has observed.
      owns: isCi || mayAll(guarded, caller),
    };
    const reply = await writer.request(recordEvidence, request, context);
    if (reply instanceof Failure) return reply;
    if (log.infos) log.info("evidence recorded", { id: reply.id, seen_by: seenBy });
    return this.#answer(reply.id);
  }

  async list(query: Static<typeof EvidenceQuery>, context: CallContext): Promise<Answer> {
    const { task = null, workspace = null, command, level = null, tree = null } = query;
    const { before = Number.MAX_SAFE_INTEGER, limit = EVIDENCE_ROWS_DEFAULT } = query;
    const normalized = command === undefined ? null : normalizeCommand(command);
    const request = { task, workspace, command: normalized, level, tree, before, limit };
    // Hooks record evidence without waiting for the writer.
    await this.#options.writer.settled();
    return listReply(this.#options.reads.pool.stream(listEvidence, request, context));
  }

  get(id: string): Answer {
    return ID.test(id) ? this.#answer(Number(id)) : noEvidence(id);
  }

  /** Returns the id of the only task that an instance holds; null if it holds none or several. */
  #onlyTaskOf(holder: string): string | null {
    const held = [...this.#options.leases.of(holder)].filter(({ state, task }) => state === "held" && task !== null);
    const [only, ...others] = held;
    return others.length === 0 ? (only?.task ?? null) : null;
  }

  #answer(id: number): Answer {
    const row = this.#reader.get(id);
    return row === undefined ? noEvidence(String(id)) : jsonReply(encodeEvidence(row));
  }
}

/** Returns the members of a record that name the runner of the command: an instance, or CI. */
function originOf(instance: Entry | undefined, isCi: boolean): Pick<RecordEvidenceRequest, "instance_id" | "name"> {
  if (instance !== undefined) return { instance_id: instance.id, name: instance.name };
  return { instance_id: null, name: isCi ? CI_ACTOR : "" };
}

function noEvidence(id: string): Failure {
  return notFound(`evidence not found: ${shorten(id)}`);
}
