/** Limits of MCP: its requests, batches and answers, and the cost of its texts in a model's context. */
import { MIB } from "./units.js";

export const TOKENS_PER_MCP_CALL = 300;
/**
 * The maximum size of a request's body. No message needs more, because the longest argument of a tool is the context of
 * a rule.
 */
export const MCP_BODY_BYTES_MAX = 1 * MIB;
/**
 * The maximum number of values in a body. A batch of tool calls has about twenty values for each message. The limit is
 * needed because the protocol's library copies each object, with its names, several times on the front.
 */
export const MCP_VALUES_MAX = 4_000;
/**
 * The maximum nesting of a body. The protocol's library reads some members by recursion, and would fail with a stack
 * overflow of the JavaScript engine. No message needs more than ten levels.
 */
export const MCP_DEPTH_MAX = 128;
/** The maximum number of messages in one JSON-RPC batch. */
export const MCP_BATCH_MESSAGES_MAX = 100;
/** The maximum length of a message's id, and of a name in the message, in UTF-16 units. */
export const MCP_NAME_CHARACTERS_MAX = 1024;
/**
 * The maximum size of all answers of one batch together. A call whose answer does not fit gets an error. The other
 * calls get their answers.
 */
export const MCP_BATCH_BYTES_MAX = 4 * MIB;
/**
 * The maximum memory of all batches in progress with their answers, and of all bodies longer than FRONT_JSON_BYTES_MAX.
 * A body that does not fit is rejected.
 */
export const MCP_BATCHES_BYTES_MAX = 32 * MIB;
/**
 * The maximum number of open streams that wait for changes of the tools. The tools never change, so no client needs
 * one.
 */
export const MCP_LISTENERS_MAX = 64;
/**
 * The maximum length of a tool's result. A longer result would fill any model's context, so the tool rejects the call
 * and requests a filter.
 */
export const MCP_RESULT_CHARACTERS_MAX = 4 * MIB;
/** The maximum number of tokens of a model's context that all tools in the answer to `tools/list` take. */
export const MCP_TOOLS_TOKENS_MAX = 750;
/** The maximum number of tokens that the instructions for the model take. */
export const MCP_INSTRUCTIONS_TOKENS_MAX = 60;
/** The maximum number of instances that `discover_instances` lists. Further instances are only counted. */
export const MCP_INSTANCES_MAX = 50;
/** The maximum number of tokens that the answer to `get_endpoints` takes. */
export const MCP_ENDPOINTS_TOKENS_MAX = 1_200;
/** A client may cache the list of tools for this long. The list changes only with the server's version. */
export const MCP_TOOLS_KEPT_MS = 60 * 60 * 1000;
