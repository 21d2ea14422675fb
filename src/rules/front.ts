/**
 * Rules on the front: what is sent is read and compiled in the pool, then stored by the writer; validations
 * run in the pool. What is long (a text, an array of rules, a short text that turns out to take long) takes
 * turns, so that a thread of the pool is always left for what is short. Routes are rows over this; MCP proposes through it.
 */
import {
  VALIDATION_SHORT_ANSWER_CHARACTERS_MAX,
  VALIDATION_SHORT_BYTES_MAX,
  VALIDATION_SHORT_DEADLINE_MS,
} from "../../schemas/limits.js";
import type { CallContext } from "../rpc/frames.js";
import type { CheckedRule, RuleUse } from "../../schemas/rules.js";
import { must } from "../base/assert.js";
import { buffersOf, packBytes } from "../base/bytes.js";
import type { Log } from "../base/log.js";
import { Failure } from "../base/result.js";
import { readReply } from "../front/chunked-reply.js";
import { jsonReply, type Answer } from "../front/route-table.js";
import type { RpcClient } from "../rpc/client.js";
import type { Chunks, Reads } from "../rpc/reads.js";
import type { Release, Turns } from "./turns.js";

export interface RuleFrontOptions {
  readonly writer: RpcClient;
  readonly reads: Reads;
  readonly log: Log;
  /** Shared by all that may keep a thread of the pool for long. */
  readonly turns: Turns;
  /** Hears how many violations a long validation has found when its answer is whole; a short one's answer says it. */
  readonly countViolations: (actor: string, violations: number) => void;
}

const BUSY = new Failure("RESOURCE_EXHAUSTED", "the server is busy with long validations, try again");

/** The end of a validation's answer is its count. */
const COUNT = /"count":(\d+)\}$/;
const COUNT_CHARACTERS = 32;

function countIn(end: string): number {
  return Number(COUNT.exec(end.slice(-COUNT_CHARACTERS))?.[1] ?? 0);
}

/** The chunks as they come; tells when the last was taken, and that no more will be, however that came. */
async function* watched(chunks: Chunks, release: Release, ended: (violations: number) => void): Chunks {
  try {
    let last = "";
    for await (const chunk of chunks) {
      if (!(chunk instanceof Failure)) last = chunk;
      yield chunk;
    }
    ended(countIn(last));
  } finally {
    release();
  }
}

export class RuleFront {
  readonly #writer: RpcClient;
  readonly #reads: Reads;
  readonly #log: Log;
  readonly #turns: Turns;
  readonly #countViolations: RuleFrontOptions["countViolations"];

  constructor({ writer, reads, log, turns, countViolations }: RuleFrontOptions) {
    this.#countViolations = countViolations;
    this.#turns = turns;
    this.#writer = writer;
    this.#reads = reads;
    this.#log = log;
  }

  /** Stores a rule as proposed. `body` is JSON; its buffer may be given away. */
  async propose(
    body: Uint8Array,
    context: CallContext,
  ): Promise<{ readonly project: string; readonly rule_id: string } | Failure> {
    const checked = await this.#check("propose", "", body, context);
    if (checked instanceof Failure) return checked;
    const [rule] = JSON.parse(checked) as readonly CheckedRule[];
    const { project, rule_id } = must(rule, "one rule was checked");
    const reply = await this.#writer.request(
      "rule.propose",
      { project, rule_id, value: checked },
      context,
      checked.length,
    );
    if (reply instanceof Failure) return reply;
    this.#log.info("rule proposed", { project, rule: rule_id });
    return { project, rule_id };
  }

  /** Stores the rules in place of all that the project has; how many they are. */
  async put(project: string, body: Uint8Array, context: CallContext): Promise<number | Failure> {
    const checked = await this.#check("put", project, body, context);
    if (checked instanceof Failure) return checked;
    const reply = await this.#writer.request("rules.put", { project, value: checked }, context, checked.length);
    if (reply instanceof Failure) return reply;
    this.#log.info("rules replaced", { project, rules: reply.count });
    return reply.count;
  }

  /** Stores the rules over what has their ids; how many they are. */
  async import(body: Uint8Array, context: CallContext): Promise<number | Failure> {
    const checked = await this.#check("import", "", body, context);
    if (checked instanceof Failure) return checked;
    const reply = await this.#writer.request("rules.import", { value: checked }, context, checked.length);
    if (reply instanceof Failure) return reply;
    this.#log.info("rules imported", { rules: reply.count });
    return reply.count;
  }

  /** Validates the text in the body against the project's rules. */
  async validate(project: string, body: Uint8Array, context: CallContext): Promise<Answer> {
    const packed = packBytes(body);
    if (body.byteLength <= VALIDATION_SHORT_BYTES_MAX) {
      // A short text is copied, not given away: it may be needed again.
      const answer = await this.#reads.pool.run(
        "rules.validate",
        { project, body: packed, most: VALIDATION_SHORT_ANSWER_CHARACTERS_MAX },
        { deadline_ms: VALIDATION_SHORT_DEADLINE_MS },
      );
      if (!(answer instanceof Failure)) return jsonReply(answer, 200, { violations: countIn(answer) });
      if (answer.status !== "OUT_OF_RANGE") return answer;
    }
    const release = await this.#turns.take();
    if (release === null) return BUSY;
    const chunks = this.#reads.pool.stream("rules.validate", { project, body: packed, most: null }, context, {
      transfer: buffersOf(packed),
    });
    return readReply(watched(chunks, release, (violations) => this.#countViolations(context.actor, violations)));
  }

  /** JSON text of the rules in the body, ready to be stored. */
  async #check(use: RuleUse, project: string, body: Uint8Array, { actor }: CallContext): Promise<string | Failure> {
    const packed = packBytes(body);
    const request = { use, project, actor, body: packed };
    if (body.byteLength <= VALIDATION_SHORT_BYTES_MAX)
      return await this.#reads.pool.run("rules.check", request, { deadline_ms: VALIDATION_SHORT_DEADLINE_MS });
    const release = await this.#turns.take();
    if (release === null) return BUSY;
    try {
      return await this.#reads.pool.run("rules.check", request, { transfer: buffersOf(packed) });
    } finally {
      release();
    }
  }
}
