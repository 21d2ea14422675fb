/**
 * Handles the requests about templates; the routes call its methods. To create a template, the pool parses and checks
 * it, and then the writer stores it. Only a limited number of long templates are parsed at the same time. Runs on the
 * front.
 */
import type { ContractWarning } from "../../../schemas/contracts.js";
import type { TemplateKind } from "../../../schemas/templates.js";
import { packBytes } from "../../base/bytes.js";
import { sentFence } from "../../base/fence.js";
import type { Log } from "../../base/log.js";
import { Failure } from "../../base/result.js";
import { formatTime } from "../../base/time.js";
import { type ContractFront, notChecked } from "../contracts/front.js";
import { jsonReply } from "../../platform/front/reply.js";
import type { Answer, Request } from "../../platform/front/route.js";
import { type CallContext, callerOf } from "../../platform/rpc/frames.js";
import type { SlowLane, WorkSize } from "../../platform/threads/slow-lane.js";
import type { Writer } from "../../platform/threads/writer.js";
import { applyTemplate, createTemplate, deleteTemplate } from "./commands.js";
import { checkTemplate, examineTemplate } from "./jobs.js";

export interface TemplateFrontOptions {
  readonly writer: Writer;
  readonly slowLane: SlowLane;
  readonly log: Log;
  /** Checks the contracts that were stored when a template was applied. */
  readonly contracts: ContractFront;
  /** Converts an error from the writer into the error that the client gets. */
  readonly toClientFailure: (failure: Failure) => Failure;
}

export class TemplateFront {
  readonly #options: TemplateFrontOptions;

  constructor(options: TemplateFrontOptions) {
    this.#options = options;
  }

  /**
   * Stores the template in the request's body. The buffer of the body is transferred to another thread, so it can be
   * used only once.
   */
  async create({ body, context }: Pick<Request, "body" | "context">): Promise<Answer> {
    const { writer, slowLane, log } = this.#options;
    const bytes = body.byteLength;
    const checked = await slowLane.runBody(checkTemplate, { body: packBytes(body) }, { caller: callerOf(context) });
    if (checked instanceof Failure) return checked;
    const { id, kind, head, template } = checked;
    const reply = await writer.request(createTemplate, { id, template }, context);
    if (reply instanceof Failure) return reply;
    log.info("template created", { id });
    const at = formatTime(reply.created_at);
    const warnings = await this.#examine(id, kind, { bytes, caller: callerOf(context) });
    const more = warnings.length === 0 ? "" : `,"warnings":${JSON.stringify(warnings)}`;
    return jsonReply(`${head},"version":1,"created_at":"${at}","updated_at":"${at}"${more}}`);
  }

  /** Returns the warnings about the contracts in a template that has just been stored. */
  async #examine(id: string, kind: TemplateKind, size: WorkSize): Promise<readonly ContractWarning[]> {
    if (kind === "rules") return [];
    const found = await this.#options.slowLane.run(examineTemplate, { id }, size);
    return found instanceof Failure ? [notChecked(id, found)] : found;
  }

  async delete(id: string, context: CallContext): Promise<Answer> {
    const { writer, log } = this.#options;
    const reply = await writer.request(deleteTemplate, { id }, context);
    if (reply instanceof Failure) return reply;
    log.info("template deleted", { id });
    return jsonReply(JSON.stringify({ deleted: id }));
  }

  /**
   * Applies a template: stores its rules and contracts in a project.
   * @param header the header with the fence under which the contracts are written
   */
  async apply(id: string, project: string, header: string, context: CallContext): Promise<Answer> {
    const { writer, log, toClientFailure, contracts } = this.#options;
    const fence = sentFence(header);
    if (fence instanceof Failure) return fence;
    const reply = await writer.request(applyTemplate, { id, project, fence }, context);
    if (reply instanceof Failure) return toClientFailure(reply);
    log.info("template applied", { id, project, rules: reply.rules, specs: reply.specs.length });
    const warnings = await contracts.examine(reply.specs, context);
    const answer = { applied: id, project, kind: reply.kind, ...(warnings.length === 0 ? {} : { warnings }) };
    return jsonReply(JSON.stringify(answer));
  }
}
