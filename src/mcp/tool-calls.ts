/**
 * Carries out one call of a tool: checks its arguments, has its route do the work, and says how it went.
 * Runs on the front. A refusal is a result that the model can read and act on, never a protocol error.
 */
import { MCP_RESULT_CHARACTERS_MAX } from "../../schemas/limits.js";
import { TOOL_CARDS, type ToolName } from "../../schemas/mcp.js";
import { Failure } from "../base/result.js";
import { checkShape } from "../base/shape.js";
import type { InnerCalls, OuterCall } from "../front/inner-call.js";
import { describeRefusal, TOOLS, type Arguments } from "./tools.js";

/** One block of text, as the protocol has it. */
export interface ToolResult {
  readonly content: { type: "text"; text: string }[];
  readonly isError?: true;
  /** The protocol's results are open objects. */
  readonly [member: string]: unknown;
}

/** On whose behalf, and by which address. */
export interface Requester {
  readonly outer: OuterCall;
  /** The server's address, as the client knows it: `http://localhost:9800`. */
  readonly base: string;
}

export interface ToolCallsOptions {
  readonly inner: InnerCalls;
  /** The text of `get_endpoints` for a client that knows the server by this address. */
  readonly endpoints: (base: string) => string;
}

export class ToolCalls {
  readonly #options: ToolCallsOptions;

  constructor(options: ToolCallsOptions) {
    this.#options = options;
  }

  /** @param given what the client sent as arguments: any object */
  async run(name: ToolName, given: object, requester: Requester): Promise<ToolResult> {
    const outcome = await this.#attempt(name, given, requester);
    if (outcome instanceof Failure)
      return {
        content: [{ type: "text", text: describeRefusal(TOOLS[name], outcome.status, outcome.message) }],
        isError: true,
      };
    return { content: [{ type: "text", text: outcome }] };
  }

  async #attempt(name: ToolName, given: object, { outer, base }: Requester): Promise<string | Failure> {
    const { inner, endpoints } = this.#options;
    const tool = TOOLS[name];
    if (tool.route === null) return endpoints(base);
    const refusal = checkShape(given, TOOL_CARDS[name].input);
    if (refusal !== null) return await inner.refuse(tool.route, [], outer, refusal);
    const values = given as Arguments;
    const joined = tool.joins === true ? inner.asNobody(outer) : outer;
    const call = tool.caller === undefined ? joined : inner.actAs(tool.caller(values), outer);
    const answer = await inner.call(tool.route, tool.request(values), call, MCP_RESULT_CHARACTERS_MAX);
    return answer instanceof Failure ? answer : tool.result(answer, values);
  }
}
