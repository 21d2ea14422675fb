/**
 * Defines the row of a client in the table of clients (clients.ts). A row has all that differs between the programs of
 * agents. All other code about hooks is the same for each client. Pure.
 */
import type { HookClientName, HookForm } from "../../../schemas/hook-names.js";

/**
 * The moments in the life of a session at which clients call hooks. `start` includes a resumed session. `stop` is the
 * end of a turn, after which the agent waits for its user. `subagent-stop` is the end of a subagent. `end` is the end
 * of the session. `other` has no effect except that the agent was active.
 */
export type Moment = "start" | "prompt" | "before-tool" | "after-tool" | "stop" | "subagent-stop" | "end" | "other";

/**
 * The kinds of tools, as far as hooks have to distinguish them. `edit`, `write`, `patch` and `notebook` write the files
 * that their arguments name. `shell` runs a command. `other` writes no file.
 */
export type ToolKind = "edit" | "write" | "patch" | "notebook" | "shell" | "other";

/**
 * Whether an event's answer can give the model a context. With `lost`, the client drops the context or shows it to the
 * user. With `plain`, the whole answer is the context, as text instead of JSON.
 */
export type ContextPlace = "model" | "plain" | "lost";

export interface HookEvent {
  /** The name in the client's settings and in its input. */
  readonly name: string;
  readonly moment: Moment;
  readonly context: ContextPlace;
  /** The form of the answer to this event. */
  readonly form: HookForm;
  /**
   * The tool of an event that always is about the same tool, so that its input names none. The members of the whole
   * input are then the tool's arguments.
   */
  readonly tool?: string;
}

/**
 * The names of the members of a client's input. The first one that exists counts. A dot separates the names of nested
 * members.
 */
export interface InputFields {
  readonly event: readonly string[];
  readonly session: readonly string[];
  /** The session of the agent that started this one. A session that has a parent is a subagent. */
  readonly parentSession: readonly string[];
  readonly agent: readonly string[];
  /** The kind of a subagent, by which it is named. */
  readonly agentType: readonly string[];
  readonly parentAgent: readonly string[];
  readonly directory: readonly string[];
  /** Lists of directories. If the input names no other directory, the first entry of a list counts. */
  readonly roots: readonly string[];
  readonly tool: readonly string[];
  readonly parameters: readonly string[];
  readonly call: readonly string[];
  readonly prompt: readonly string[];
  /** True, or a number above 0, if a hook has already kept the agent from stopping. */
  readonly stopHeld: readonly string[];
  /** The tasks that still run in the background after the end of a turn, each with its status. */
  readonly background: readonly string[];
}

export interface HookClient {
  readonly name: HookClientName;
  /** The version of the program with which the row was tried; null if the row only follows the program's documents. */
  readonly triedVersion: string | null;
  readonly form: HookForm;
  readonly events: readonly HookEvent[];
  /** The tools of the client by their names. */
  readonly tools: Readonly<Record<string, ToolKind>>;
  readonly fields: InputFields;
  /** True if every input has an agent's id. The agent is a subagent only if the input also has the id of a parent. */
  readonly agentNeedsParent: boolean;
  /** The unit of the argument `timeout` of the client's shell tool; null if the tool is not known to have it. */
  readonly shellTimeout: "ms" | null;
  /** The effect of a denial. `ends-run` means that the agent stops and its model never sees the reason. */
  readonly denial: "refuses-call" | "ends-run";
  /**
   * The way in which a hook keeps the agent from stopping. With `block`, the member `decision` of the answer blocks the
   * stop; with `nested-block`, this member is inside another one, as for a denial. With `follow-up`, a message
   * continues the turn. `never` means that a hook cannot keep the agent from stopping, or that the agent would never
   * stop.
   */
  readonly stopHold: "block" | "nested-block" | "follow-up" | "never";
  /** The fate of a call whose hook has failed, and of one whose hook program is missing. */
  readonly whenFailed: "through" | "denies";
  readonly whenMissing: "through" | "denies";
  /**
   * The time that the client waits for a hook if its settings do not say it, and the unit of that setting. The time is
   * null if it is not known.
   */
  readonly wait: { readonly unit: "ms" | "s"; readonly byDefault: number | null };
}
