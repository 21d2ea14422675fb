/** Limits of MCP: its requests, batches and answers, and the cost of its texts in a model's context. */
import { MIB } from "./units.js";

export const TOKENS_PER_MCP_CALL = 300;
/**
 * The largest body of a request. No message needs more, because the longest argument of a tool is the context of a
 * rule.
 */
export const MCP_BODY_BYTES_MAX = 1 * MIB;
/**
 * The most values in a body. A batch of tool calls has some twenty values for each message. The bound matters because
 * the protocol's library copies each object several times on the front, including the names.
 */
export const MCP_VALUES_MAX = 4_000;
/** Messages in one JSON-RPC batch. */
export const MCP_BATCH_MESSAGES_MAX = 100;
/** The longest id of a message, and the longest name in it, in UTF-16 units. */
export const MCP_NAME_CHARACTERS_MAX = 1024;
/**
 * The size of all answers of one batch together. A call whose answer does not fit gets an error; the others get their
 * answers.
 */
export const MCP_BATCH_BYTES_MAX = 4 * MIB;
/**
 * All batches and all bodies of more than FRONT_JSON_BYTES_MAX in progress together, with the answers of the batches. A
 * body that does not fit is refused.
 */
export const MCP_BATCHES_BYTES_MAX = 32 * MIB;
/**
 * The most open streams that wait for changes of the tools. The tools never change, so no client needs such a stream.
 */
export const MCP_LISTENERS_MAX = 64;
/**
 * The longest result of a tool. A longer one would fill any model's context, so the tool rejects the call and asks for
 * a filter.
 */
export const MCP_RESULT_CHARACTERS_MAX = 4 * MIB;
/**
 * The most tokens that `tools/list` takes in a model's context, all tools together. The next limit is that of
 * MCP_INSTRUCTIONS.
 */
export const MCP_TOOLS_TOKENS_MAX = 750;
/** The part of it for the instructions. */
export const MCP_INSTRUCTIONS_TOKENS_MAX = 60;
/** The most instances that `discover_instances` lists. For the others it gives only their number. */
export const MCP_INSTANCES_MAX = 50;
/** The cost of the answer of `get_endpoints`. */
export const MCP_ENDPOINTS_TOKENS_MAX = 1_200;
/** The time for which a client may cache the list of tools. The list changes only with the server's version. */
export const MCP_TOOLS_KEPT_MS = 60 * 60 * 1000;
