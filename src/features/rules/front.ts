/**
 * Handles the requests about rules. When a request changes rules, the pool parses and compiles them, and then the
 * writer stores them. The pool also validates texts. A long validation waits for a permit. Runs on the front.
 */
import { GLOBAL_PROJECT, ruleName, type RuleRequest, type ValidateRequest } from "../../../schemas/rules.js";
import { buffersOf, packBytes } from "../../base/bytes.js";
import type { Log } from "../../base/log.js";
import { Failure } from "../../base/result.js";
import { jsonReply, readReply } from "../../platform/front/reply.js";
import { mayAll } from "../../platform/front/roles.js";
import type { Answer, Request } from "../../platform/front/route.js";
import { callerOf, type CallContext } from "../../platform/rpc/frames.js";
import type { ReplyOf } from "../../platform/rpc/method.js";
import type { SlowLane } from "../../platform/threads/slow-lane.js";
import type { Chunks } from "../../platform/threads/pool.js";
import type { Writer } from "../../platform/threads/writer.js";
import { acceptRule, deleteRule, importRules, proposeRule, putRules, rejectRule } from "./commands.js";
import { checkProposal, checkRules, validateLong, validateShort } from "./jobs.js";
import type { RuleSetVersions } from "./set-versions.js";

export interface RuleFrontOptions {
  /** Whether the server requires tokens. */
  readonly guarded: boolean;
  readonly writer: Writer;
  readonly slowLane: SlowLane;
  readonly versions: RuleSetVersions;
  readonly log: Log;
  /**
   * Called at the end of a long validation, with the number of violations. It is not called for a short validation,
   * because the answer itself has the number.
   */
  readonly countViolations: (actor: string, violations: number) => void;
}

/** A request with a body. The buffer of the body is transferred to another thread, so it can be used only once. */
type BodyRequest = Pick<Request, "body" | "context">;
type ValidationRequest = BodyRequest & Pick<Request, "peer">;

/** The writer method for each decision about a proposed rule, and the status that the rule then has. */
const DECISIONS = {
  accept: { method: acceptRule, status: "accepted" },
  reject: { method: rejectRule, status: "rejected" },
} as const;

export class RuleFront {
  readonly #options: RuleFrontOptions;

  constructor(options: RuleFrontOptions) {
    this.#options = options;
  }

  /** Stores the rule in the body with the status "proposed". */
  async propose({ body, caller, context }: BodyRequest & Pick<Request, "caller">): Promise<Answer> {
    const { guarded, writer, slowLane, log } = this.#options;
    const proposal = { actor: context.actor, is_proven: !mayAll(guarded, caller), body: packBytes(body) };
    const checked = await slowLane.runBody(checkProposal, proposal, { caller: callerOf(context) });
    if (checked instanceof Failure) return checked;
    const reply = await writer.request(proposeRule, checked, context);
    if (reply instanceof Failure) return reply;
    const { project, rule_id } = checked;
    log.info("rule proposed", { project, rule: rule_id });
    return jsonReply(JSON.stringify({ project, rule_id, status: "proposed" }));
  }

  async decide(
    decision: keyof typeof DECISIONS,
    rule: RuleRequest,
    { context }: Pick<Request, "context">,
  ): Promise<Answer> {
    const { writer, log } = this.#options;
    const { method, status } = DECISIONS[decision];
    const reply = await writer.request(method, rule, context);
    if (reply instanceof Failure) return reply;
    const { project, rule_id } = rule;
    log.info(`rule ${status}`, { project, rule: rule_id });
    return jsonReply(JSON.stringify({ project, rule_id, status }));
  }

  async delete(rule: RuleRequest, { context }: Pick<Request, "context">): Promise<Answer> {
    const { writer, log } = this.#options;
    const reply = await writer.request(deleteRule, rule, context);
    if (reply instanceof Failure) return reply;
    const { project, rule_id } = rule;
    log.info("rule deleted", { project, rule: rule_id });
    return jsonReply(JSON.stringify({ deleted: ruleName(project, rule_id) }));
  }

  /** Stores the rules of the body, and deletes all other rules of the project. */
  async put(project: string, { body, context }: BodyRequest): Promise<Answer> {
    const { writer, log } = this.#options;
    const checked = await this.#check(project, body, context);
    if (checked instanceof Failure) return checked;
    const reply = await writer.request(putRules, { project, rules: checked }, context);
    if (reply instanceof Failure) return reply;
    log.info("rules replaced", { project, rules: reply.count });
    return jsonReply(JSON.stringify({ project, count: reply.count }));
  }

  /** Stores the rules of the body. A rule replaces a stored rule with the same id. */
  async import({ body, context }: BodyRequest): Promise<Answer> {
    const { writer, log } = this.#options;
    const checked = await this.#check(null, body, context);
    if (checked instanceof Failure) return checked;
    const reply = await writer.request(importRules, { rules: checked }, context);
    if (reply instanceof Failure) return reply;
    log.info("rules imported", { rules: reply.count });
    return jsonReply(JSON.stringify({ imported: reply.count }));
  }

  /**
   * Validates the text in the body against the rules of the project. The violations are counted in the actor's metrics.
   */
  validate(project: string, request: ValidationRequest): Promise<Answer> {
    return this.#validate({ project, rule_id: null }, request);
  }

  /**
   * Finds the violations of one rule, which may have any status, in the text of the body. These violations are not
   * counted in the actor's metrics.
   */
  preview(rule: RuleRequest, request: ValidationRequest): Promise<Answer> {
    return this.#validate(rule, request);
  }

  async #validate(
    { project, rule_id }: Pick<ValidateRequest, "project" | "rule_id">,
    { body, context }: ValidationRequest,
  ): Promise<Answer> {
    const { slowLane, versions: known, countViolations } = this.#options;
    const counts = rule_id === null;
    const packed = packBytes(body);
    const size = { bytes: body.byteLength, caller: callerOf(context) };
    const versions: ValidateRequest["versions"] = counts ? [known.get(project), known.get(GLOBAL_PROJECT)] : null;
    const asked = { project, rule_id, versions, body: packed };
    if (slowLane.isShort(size)) {
      // Copy a short body instead of transferring it. If the validation turns out to be long, the body is needed again.
      const answer = await slowLane.runShort(validateShort, asked, size);
      if (!(answer instanceof Failure))
        return jsonReply(answer.text, 200, counts ? { violations: answer.violations } : null);
      if (answer.status !== "OUT_OF_RANGE") return answer;
    }
    const chunks = await slowLane.stream(validateLong, asked, context, buffersOf(packed));
    if (chunks instanceof Failure || !counts) return readReply(chunks);
    return readReply(counted(chunks, (violations) => countViolations(context.actor, violations)));
  }

  /** Parses the rules of a body. Returns them as JSON text that the writer can store. */
  async #check(project: string | null, body: Uint8Array, context: CallContext): Promise<string | Failure> {
    const checked = await this.#options.slowLane.runBody(
      checkRules,
      { project, body: packBytes(body) },
      { caller: callerOf(context) },
    );
    return checked instanceof Failure ? checked : checked.rules;
  }
}

/** Yields the chunks unchanged, and then reports the number of violations. */
async function* counted(
  chunks: Chunks<ReplyOf<typeof validateLong>>,
  report: (violations: number) => void,
): Chunks<ReplyOf<typeof validateLong>> {
  const reply = yield* chunks;
  if (!(reply instanceof Failure)) report(reply.violations);
  return reply;
}
