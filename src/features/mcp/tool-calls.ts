/**
 * Runs one call of a tool: checks its arguments, calls its route, and returns the result. A rejection is also a result,
 * not a protocol error, because the model can read a result and act on it. Runs on the front.
 */
import type { TObject } from "typebox";
import { MCP_RESULT_CHARACTERS_MAX } from "../../../schemas/limits/mcp.js";
import { TOOL_CARDS, type ToolName } from "../../../schemas/mcp.js";
import { Failure } from "../../base/result.js";
import { checkShape } from "../../base/shape.js";
import { TimeSlice } from "../../base/time-slice.js";
import type { InstanceFilter } from "../instances/entry.js";
import type { InternalRequests, OuterCall } from "../../platform/front/internal-request.js";
import { describeRefusal, TOOLS, type Arguments } from "./tools.js";

/** The result of a tool in the protocol's form, with one block of text. */
export interface ToolResult {
  readonly content: { type: "text"; text: string }[];
  readonly isError?: true;
  /** Allows further members, because the protocol's results are open objects. */
  readonly [member: string]: unknown;
}

/** The caller of a tool, and the address under which it reached the server. */
export interface Requester {
  readonly outer: OuterCall;
  /** The address under which the client reached the server, for example `http://localhost:9800`. */
  readonly base: string;
}

export interface ToolCallsOptions {
  readonly inner: InternalRequests;
  /** Returns the text of `get_endpoints` for a client that reached the server under this address. */
  readonly endpoints: (base: string) => string;
  /** Returns the text of `discover_instances`. */
  readonly discover: (filter: InstanceFilter) => string;
}

/**
 * Removes arguments that are null or an empty text. Models send these values for arguments that they want to leave out.
 * A required argument may be an empty text.
 */
function withoutEmpty(given: object, input: TObject): object {
  const { required: needed = [] } = input as { readonly required?: readonly string[] };
  return Object.fromEntries(
    Object.entries(given).filter(([name, value]) => value !== null && (value !== "" || needed.includes(name))),
  );
}

export class ToolCalls {
  readonly #options: ToolCallsOptions;
  /** The time slice that all searches through the instances share in each tick. */
  readonly #walks = new TimeSlice();

  constructor(options: ToolCallsOptions) {
    this.#options = options;
  }

  /** @param given the client's arguments, which may be any object */
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
    const { inner, endpoints, discover } = this.#options;
    const tool = TOOLS[name];
    // Check the token again. A batch takes time, so the token may be revoked before its last call.
    const revoked = inner.refuseRevoked(outer);
    if (revoked !== null) return revoked;
    if (tool.route === null) return endpoints(base);
    const { input } = TOOL_CARDS[name];
    const values = withoutEmpty(given, input) as Arguments;
    const refusal = checkShape(values, input);
    if (refusal !== null) return await inner.refuse(tool.route, [], outer, refusal);
    if (name === "discover_instances") {
      if (this.#walks.isOver) await this.#walks.yieldIfOver();
      return discover(tool.request(values).query as InstanceFilter);
    }
    const joined = tool.joins === true ? inner.withoutUnknown(outer) : outer;
    const call = tool.caller === undefined ? joined : inner.actAs(tool.caller(values), outer);
    const answer = await inner.call(tool.route, tool.request(values), call, MCP_RESULT_CHARACTERS_MAX);
    return answer instanceof Failure ? answer : tool.result(answer, values);
  }
}
