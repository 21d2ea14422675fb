/**
 * Defines the row of a client in the table of clients (clients.ts). A client is the program that runs an agent, for
 * example Claude Code. The row contains all differences between clients, so that the other code about hooks is the same
 * for each client. Pure.
 */
import type { HookClientName, HookForm } from "../../../schemas/hook-names.js";

/**
 * The moments in the life of a session at which clients call hooks. `start` includes a resumed session. `stop` is the
 * end of a turn, after which the agent waits for its user. `subagent-stop` is the end of a subagent. `end` is the end
 * of the session. `other` has no effect except that the agent was active.
 */
export type Moment = "start" | "prompt" | "before-tool" | "after-tool" | "stop" | "subagent-stop" | "end" | "other";

/**
 * The kinds of tools that hooks distinguish. `edit`, `write`, `patch` and `notebook` write the files that their
 * arguments name. `shell` runs a command. `other` writes no file.
 */
export type ToolKind = "edit" | "write" | "patch" | "notebook" | "shell" | "other";

/**
 * Says what a client does with a context (a text for the model) in the answer to an event. With `model`, the model gets
 * it. With `plain`, the model gets the whole answer, which is text instead of JSON. With `lost`, the client drops the
 * context or shows it only to the user.
 */
export type ContextPlace = "model" | "plain" | "lost";

export interface HookEvent {
  /** The name of the event in the client's settings and in its input. */
  readonly name: string;
  readonly moment: Moment;
  readonly context: ContextPlace;
  /** The form of the answer to this event. */
  readonly form: HookForm;
  /**
   * The tool that this event is always about. Set only if the event's input names no tool. The members of the whole
   * input are then the tool's arguments.
   */
  readonly tool?: string;
}

/**
 * The names under which a client's input has each value. If an input has several members of a list, the first one in
 * the list counts. A dot separates the names of nested members (`tool.name`).
 */
export interface InputFields {
  readonly event: readonly string[];
  readonly session: readonly string[];
  /** The session of the parent agent. An input with this member is about a subagent's session. */
  readonly parentSession: readonly string[];
  readonly agent: readonly string[];
  /** The type of a subagent, from which its name is made. */
  readonly agentType: readonly string[];
  readonly parentAgent: readonly string[];
  readonly directory: readonly string[];
  /**
   * Members that are lists of directories. If the input names no other directory, the first directory of the list is
   * used.
   */
  readonly roots: readonly string[];
  readonly tool: readonly string[];
  readonly parameters: readonly string[];
  readonly call: readonly string[];
  readonly prompt: readonly string[];
  /** The members that show that a hook has already kept the agent from stopping: `true`, or a number above 0. */
  readonly stopHeld: readonly string[];
  /** Members that list the tasks in the background at the end of a turn, each with its status. */
  readonly background: readonly string[];
}

export interface HookClient {
  readonly name: HookClientName;
  /**
   * The version of the program against which the row was tested; null if the row only follows the program's documents.
   */
  readonly triedVersion: string | null;
  readonly form: HookForm;
  readonly events: readonly HookEvent[];
  /** The tools of the client by their names. */
  readonly tools: Readonly<Record<string, ToolKind>>;
  readonly fields: InputFields;
  /**
   * True if every input of the client has an agent's id, even an input that is not about a subagent. For such a client,
   * an input is about a subagent only if it also has the id of a parent.
   */
  readonly agentNeedsParent: boolean;
  /**
   * The unit of the shell tool's argument `timeout`. Null if the client's shell tool is not known to have this
   * argument.
   */
  readonly shellTimeout: "ms" | null;
  /** The effect of a denial. `ends-run` means that the agent stops and its model never sees the reason. */
  readonly denial: "refuses-call" | "ends-run";
  /**
   * The way in which a hook keeps the agent from stopping. With `block`, the answer has a member `decision` that blocks
   * the stop. With `nested-block`, this member is inside another one, as in a denial. With `follow-up`, the answer has
   * a message that continues the turn. With `never`, hooks do not keep the agent from stopping, because they cannot, or
   * because the agent would then never stop.
   */
  readonly stopHold: "block" | "nested-block" | "follow-up" | "never";
  /** Whether the client runs a tool call (`through`) if the hook has failed, and if the hook's program is missing. */
  readonly whenFailed: "through" | "denies";
  readonly whenMissing: "through" | "denies";
  /**
   * The client's time-out for a hook. `unit` is the unit of the setting. `byDefault` is the time-out without a setting,
   * in the same unit; null if it is not known.
   */
  readonly wait: { readonly unit: "ms" | "s"; readonly byDefault: number | null };
}
