/**
 * Records evidence for tasks from hooks. If an agent runs a command that its task requires, the run is recorded. If the
 * agent edits files later, these records become stale. Does not wait for the writer. Runs on the front.
 */
import { EVIDENCE_COMMAND_CHARACTERS_MAX, EVIDENCE_REGISTRANTS_MAX } from "../../../schemas/limits/evidence.js";
import { normalizeCommand } from "../../../shared/command-text.js";
import type { CallContext } from "../../platform/rpc/frames.js";
import type { Writer } from "../../platform/threads/writer.js";
import type { LeaseProjection } from "../claims/lease-projection.js";
import { recordEvidence } from "../evidence/commands.js";
import { hasFreshRecord } from "../evidence/required-commands.js";
import type { EvidenceReader } from "../evidence/table.js";
import type { Directory } from "../instances/directory.js";
import { markEdited } from "../tasks/commands.js";
import type { RequiredCommands, RequiredTable } from "../tasks/required-table.js";
import type { TaskReader } from "../tasks/table.js";
import type { DecidedCall } from "./decided-call.js";
import { locateAll } from "./edit-decision.js";
import type { HookInput } from "./input.js";
import { shellTexts } from "./tool-effects.js";

export interface SeenEvidenceOptions {
  readonly writer: Writer;
  readonly leases: Pick<LeaseProjection, "of">;
  readonly directory: Pick<Directory, "rootOf">;
  readonly tasks: Pick<TaskReader, "rowOf">;
  readonly required: Pick<RequiredTable, "of">;
  readonly records: EvidenceReader;
}

/** A task that the agent holds and that requires commands. */
interface HeldTask extends RequiredCommands {
  readonly id: string;
}

type Agent = Pick<DecidedCall, "actor" | "session">;

export class SeenEvidence {
  readonly #options: SeenEvidenceOptions;

  constructor(options: SeenEvidenceOptions) {
    this.#options = options;
  }

  /** Records a shell command that has run. It is recorded for each held task that requires exactly this command. */
  recordRun({ client, tool, exitCode }: HookInput, { actor, session }: Agent, context: CallContext): void {
    if (tool?.kind !== "shell") return;
    const [command, ...others] = shellTexts(tool).map(normalizeCommand);
    if (command === undefined || others.length > 0 || command.length > EVIDENCE_COMMAND_CHARACTERS_MAX) return;
    for (const { id, commands } of this.#heldBy({ actor, session })) {
      if (!commands.includes(command)) continue;
      const { workspace, checkout, name } = actor;
      const request = {
        workspace,
        task: id,
        instance_id: actor.id,
        name,
        seen_by: "hook",
        client: client.name,
        command,
        exit_code: exitCode,
        duration_ms: null,
        tree_before: null,
        tree_after: null,
        head: null,
        checkout: checkout?.id ?? null,
        tail: null,
        registrant: this.#options.directory.rootOf(actor, EVIDENCE_REGISTRANTS_MAX),
      } as const;
      this.#options.writer.callUnawaited(recordEvidence, request, { actor: actor.id, trace: context.trace });
    }
  }

  /** If a tool call writes files of the workspace, makes the evidence of the held tasks stale. */
  recordEdit({ actor, session, effects, roots, context }: DecidedCall): void {
    if (effects.written.paths.length === 0) return;
    const { writer, records } = this.#options;
    const stale = [...this.#heldBy({ actor, session })].filter(({ id, commands, staleTo }) =>
      hasFreshRecord(records, { task: id, commands }, staleTo),
    );
    if (stale.length === 0 || locateAll(effects.written.paths, effects.directory, roots).length === 0) return;
    for (const { id } of stale) writer.callUnawaited(markEdited, { id }, { actor: actor.id, trace: context.trace });
  }

  /**
   * Yields the held tasks that require commands. The holder is the agent, or the session that has started the agent.
   */
  *#heldBy({ actor, session }: Agent): Generator<HeldTask> {
    const { leases, tasks, required } = this.#options;
    for (const holder of new Set([actor.id, session.id])) {
      for (const { task, state } of leases.of(holder)) {
        if (task === null || state !== "held") continue;
        const row = tasks.rowOf(task);
        const found = row === undefined ? undefined : required.of(row);
        if (found !== undefined) yield { id: task, ...found };
      }
    }
  }
}
