/**
 * The MCP tools. Each tool calls one route of the HTTP API. The tool builds the route's request from its arguments, and
 * builds its result from the route's answer. Pure.
 */
import { TOOL_CARDS, type ToolName } from "../../../schemas/mcp.js";
import type { InternalRequest } from "../../platform/front/internal-request.js";
import type { StatusName } from "../../../schemas/status.js";

export type Arguments = Readonly<Record<string, string | undefined>>;

export interface Tool {
  /** The name of the route that the tool calls; null if the tool needs no route. */
  readonly route: string | null;
  readonly request: (given: Arguments) => InternalRequest;
  /** Builds the tool's result, a JSON text, from the route's answer. */
  readonly result: (answer: string, given: Arguments) => string;
  /** Returns the id of the calling instance. The member is absent if no argument names the caller. */
  readonly caller?: (given: Arguments) => string;
  /**
   * True if the tool registers the calling instance. A client may call such a tool even if its previous instance is
   * unknown, for example because it was deleted.
   */
  readonly joins?: true;
  /** The argument that names an object. The object may not exist. */
  readonly subject?: string;
}

/** The members that `register_instance` reads from its route's answer. */
interface Registered {
  readonly id: string;
  readonly token: string;
  readonly name: string;
  readonly workspace: string;
  readonly intent: string;
  readonly stack: string;
  readonly capabilities: readonly string[];
  readonly status: string;
  readonly registered_at: string;
}

/** Splits a list: `a, b,,c` → `["a","b","c"]`. */
export function splitList(text: string): string[] {
  return text
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");
}

/** Returns the given arguments of these names. */
function pick(given: Arguments, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = given[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

const DISCOVER_FILTERS = Object.keys(TOOL_CARDS.discover_instances.input.properties);
const RULE_FIELDS = Object.keys(TOOL_CARDS.propose_rule.input.properties);

export const TOOLS: Readonly<Record<ToolName, Tool>> = {
  register_instance: {
    route: "instance.register",
    joins: true,
    request: (given) => ({
      json: {
        ...pick(given, ["name", "workspace", "intent", "stack"]),
        ...(given["capabilities"] === undefined ? {} : { capabilities: splitList(given["capabilities"]) }),
      },
    }),
    result: (answer) => {
      const { id, token, name, workspace, intent, stack, capabilities, status, registered_at } = JSON.parse(
        answer,
      ) as Registered;
      return JSON.stringify({
        instance_id: id,
        token,
        name,
        workspace,
        intent,
        stack,
        capabilities,
        status,
        registered_at,
        message:
          "Registered. Read and write data over REST or the CLI, not MCP (get_endpoints lists them). " +
          `Activate this instance with: koor-cli activate ${id}`,
      });
    },
  },
  discover_instances: {
    route: "instance.list",
    request: (given) => ({ query: pick(given, DISCOVER_FILTERS) }),
    result: (answer) => answer,
  },
  set_intent: {
    route: "instance.intent",
    request: ({ instance_id = "", intent }) => ({ params: [instance_id], json: { intent } }),
    result: (_answer, { instance_id, intent }) =>
      JSON.stringify({ instance_id, intent, message: "Intent updated; this counted as a heartbeat." }),
    caller: ({ instance_id = "" }) => instance_id,
    subject: "instance_id",
  },
  get_endpoints: { route: null, request: () => ({}), result: (answer) => answer },
  propose_rule: {
    route: "rule.propose",
    request: (given) => ({ json: pick(given, RULE_FIELDS) }),
    result: (answer) => {
      const { project, rule_id, status } = JSON.parse(answer) as {
        readonly project: string;
        readonly rule_id: string;
        readonly status: string;
      };
      return JSON.stringify({
        project,
        rule_id,
        status,
        message:
          "Proposed. It takes effect when a user accepts it: " +
          `POST /api/rules/${encodeURIComponent(project)}/${encodeURIComponent(rule_id)}/accept`,
      });
    },
  },
};

/**
 * Returns the error text of a rejected call of a tool. If something does not exist, the text begins with the argument
 * that names it.
 */
export function describeRefusal(tool: Tool, status: StatusName, message: string): string {
  return status === "NOT_FOUND" && tool.subject !== undefined ? `${tool.subject}: ${message}` : message;
}
