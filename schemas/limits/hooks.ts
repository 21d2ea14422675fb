/** Limits of hooks, which the programs of agents call before and after each step: their inputs, lists and answers. */
import { KIB, MIB } from "./units.js";

/** The maximum length of a hook's input. A longer input is not read, and the tool call that it describes is allowed. */
export const HOOK_BODY_BYTES_MAX = 1 * MIB;
/**
 * The maximum number of JSON values of an input. An input with more values is not read. Ordinary inputs have long texts
 * and few values.
 */
export const HOOK_VALUES_MAX = 20_000;
/** The maximum length of a client's session id or agent id. Both are printable ASCII. */
export const HOOK_ID_CHARACTERS_MAX = 128;
/** The maximum length of a tool's name. A call of a tool with a longer name is not examined. */
export const HOOK_TOOL_CHARACTERS_MAX = 256;
/** The part of a prompt that is kept, in UTF-16 units. */
export const HOOK_PROMPT_CHARACTERS_MAX = 1_024;
/** The maximum length of a directory or of a path, as a client writes it, in UTF-16 units. */
export const HOOK_PATH_CHARACTERS_MAX = 4_096;
/** The maximum number of different git commands in one tool call that are examined. */
export const HOOK_GIT_CHANGES_MAX = 16;
/** The maximum number of steps to compare the paths of all these git commands with leases. */
export const HOOK_GIT_STEPS_MAX = 50_000;
/** The maximum number of paths of one tool call. A call with more paths is not checked. */
export const HOOK_PATHS_MAX = 1_000;
/** The maximum length of all these paths together. */
export const HOOK_PATHS_CHARACTERS_MAX = 64 * KIB;
/**
 * The server searches a patch for the headers that name its files (`*** Add File: …`), at no more than this many
 * positions.
 */
export const HOOK_PATCH_MARKS_MAX = 20_000;
/**
 * The maximum number of steps for reading the shell commands of a tool call, including those in `sh -c "…"`. A step
 * reads an operator, a redirection, a part of a word, or a line of a here-document. Commands beyond this limit are not
 * examined. Ordinary commands take less than a hundred steps.
 */
export const HOOK_SHELL_STEPS_MAX = 4_000;
/** The maximum depth of shells in shells, as in `sh -c "sh -c …"`. */
export const HOOK_SHELL_DEPTH_MAX = 4;

// Limits of the headers of a hook's request:
export const HOOK_ROOTS_MAX = 16;
/**
 * The maximum number of globs in one list of the headers. Each alternative of a glob counts. Further globs are ignored.
 */
export const HOOK_GLOBS_MAX = 64;
/** The maximum number of characters of all globs in one list together. */
export const HOOK_GLOB_CHARACTERS_MAX = 4_096;
/**
 * The maximum number of steps to compare the paths of a call with these globs. A step compares two segments, or
 * HOOK_GLOB_CHARACTERS_A_STEP pairs of characters. A call that needs more steps is not checked.
 */
export const HOOK_GLOB_STEPS_MAX = 1_000_000;
export const HOOK_GLOB_CHARACTERS_A_STEP = 256;
/** The maximum number of compiled lists of globs, each with at most HOOK_GLOB_CHARACTERS_MAX characters. */
export const HOOK_PATH_LISTS_MAX = 64;
/** The memory of a compiled list of globs with its text. The globs take about 32 bytes for each character. */
export const HOOK_PATH_LIST_BYTES = 32 * HOOK_GLOB_CHARACTERS_MAX;
export const HOOK_BRANCH_BYTES_MAX = 1_024;

// Repeated calls
/** How long a call counts as a repetition of an earlier call with the same tool call id. */
export const HOOK_CALL_REPEAT_MS = 10 * 60 * 1000;
/** How long a call without a tool call id counts as a repetition of an earlier call with the same input. */
export const HOOK_INPUT_REPEAT_MS = 2_000;

/** The maximum number of calls that are remembered, so that their repetitions are recognized. */
export const HOOK_CALLS_MAX = 50_000;
/** The maximum memory of the remembered calls and of their answers. */
export const HOOK_CALLS_BYTES_MAX = 16 * MIB;
/** The memory of a remembered call without its answer. */
export const HOOK_CALL_BYTES = 256;

// Sessions
/** The maximum number of agents for which the server keeps data between two hooks. */
export const HOOK_AGENTS_MAX = 2_048;
/** The memory of one of these agents: its directory, and the lines of text that wait for its next hook. */
export const HOOK_AGENT_BYTES = 12 * KIB;
/** The maximum number of lines of text that wait for an agent's next hook. At the limit, the oldest line is dropped. */
export const HOOK_NOTICES_MAX = 8;
/** The maximum number of reports to agents that are remembered, so that none is repeated. */
export const HOOK_REPORTED_MAX = 65_536;
/** The memory of one remembered report, which is a hash of fixed size. */
export const HOOK_REPORTED_BYTES = 128;
/** The maximum number of ready tasks with an assignee that are remembered until they are reported to the assignee. */
export const HOOK_TASKS_MAX = 4_096;
export const HOOK_TASK_BYTES = 512;
/**
 * The maximum number of agents whose in-boxes are watched. An in-box that is watched is read only when it has new
 * messages.
 */
export const HOOK_BOXES_MAX = 4_096;
export const HOOK_BOX_BYTES = 512;
/** The maximum number of pairs of a client and a workspace whose last event is remembered. */
export const HOOK_SEEN_MAX = 1_000;
export const HOOK_SEEN_BYTES = 1 * KIB;

// Denials
/** A pair of an agent and a path is listed after this many denials. */
export const HOOK_DENIALS_COUNT_MIN = 3;
/** Denials are counted together if at most this time passes between them. A denial is listed for the same time. */
export const HOOK_DENIALS_TOGETHER_MS = 60 * 60 * 1000;
/** The maximum number of pairs of an agent and a path whose denials are counted. */
export const HOOK_DENIALS_MAX = 256;
/** The memory of one count: the names of the agent and the workspace, a path, and the path's resource. */
export const HOOK_DENIAL_BYTES = 16 * KIB;
/** The maximum number of repeated denials in the answer of GET /api/hooks. */
export const HOOK_DENIALS_LISTED_MAX = 100;

// Limits of the list of agents that wait for automatic leases:
/** The maximum number of agents in the answer of GET /api/hooks. */
export const HOOK_WAITS_LISTED_MAX = 100;
/**
 * The maximum number of steps of a search for agents that wait for leases. One hook makes at most two searches, and
 * GET /api/hooks makes one. Agents that the search does not reach are not named. A step takes about 40 ns.
 */
export const HOOK_WAITERS_STEPS_MAX = 50_000;

// Life
/** An automatic lease lives this long after the session's last edit of its path. */
export const HOOK_AUTO_TTL_S_DEFAULT = 600;
export const HOOK_AUTO_TTL_S_MIN = 60;
export const HOOK_AUTO_TTL_S_MAX = 86_400;
/**
 * The default time for which an agent may be silent while its shell command runs. It applies if the command states no
 * timeout.
 */
export const HOOK_BUSY_S_DEFAULT = 900;

// Budgets
/**
 * The maximum length of a shell command that counts as a mere call of Koor. A longer command counts as one that does
 * something else, too.
 */
export const HOOK_KOOR_COMMAND_CHARACTERS_MAX = 8 * KIB;

// Limits of answers, in bytes of UTF-8:
export const HOOK_CONTEXT_BYTES_MAX = 300;
export const HOOK_START_BYTES_MAX = 600;
/** The maximum size of a denial, not counting the path in the command that it names. */
export const HOOK_DENIAL_BYTES_MAX = 600;
/** The maximum size of another agent's name or branch in an answer, in bytes. */
export const HOOK_NAME_BYTES_MAX = 64;
/** The maximum size of a text by another agent in an answer. */
export const HOOK_QUOTE_BYTES_MAX = 120;
/** The maximum number of waiters that a denial names. */
export const HOOK_WAITERS_NAMED_MAX = 3;
/** The maximum number of other agents that an answer at the start of a session names. */
export const HOOK_OTHERS_NAMED_MAX = 5;
/** The maximum number of undelivered messages that are read for one answer. The rest is read for the next answer. */
export const HOOK_MESSAGES_MAX = 32;
/** The maximum number of paths that an answer names because agents in other working trees change them. */
export const HOOK_NEARBY_NAMED_MAX = 2;
/** The maximum number of active agents of a workspace that are examined for one call. */
export const HOOK_ACTIVE_EXAMINED_MAX = 1_000;
