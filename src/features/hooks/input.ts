/**
 * Parses the input of a hook. The inputs of all clients are brought into one form. The result is null for an input that
 * is not understood; the caller then tells the client to proceed. No input makes this code throw. Pure, any thread.
 */
import {
  HOOK_BODY_BYTES_MAX,
  HOOK_BUSY_S_DEFAULT,
  HOOK_ID_CHARACTERS_MAX,
  HOOK_PATH_CHARACTERS_MAX,
  HOOK_PROMPT_CHARACTERS_MAX,
  HOOK_TOOL_CHARACTERS_MAX,
  HOOK_VALUES_MAX,
} from "../../../schemas/limits/hooks.js";
import { INSTANCE_BUSY_S_MAX } from "../../../schemas/limits/instances.js";
import { textProblem } from "../../../schemas/text.js";
import { readJsonText } from "../../base/json-bytes.js";
import { refuseStructure } from "../../base/json-structure.js";
import { Failure } from "../../base/result.js";
import { shorten } from "../../../shared/shorten.js";
import type { HookClient, HookEvent, Moment, ToolKind } from "./client.js";
import { findEvent } from "./clients.js";
import { isJsonObject, type JsonObject, memberAt, textAt, textsOf, valueAt } from "./json-members.js";
import { type RepeatKey, repeatKey } from "./repeat-key.js";
import { shellExitCode } from "./shell-result.js";
import { toolKind } from "./tool-kind.js";

/** A subagent of a session. */
export interface HookAgent {
  readonly id: string;
  /** The subagent's type, or its id if the client names no type. It is one line of text. */
  readonly label: string;
}

/** A tool call that is about to run, or has run. */
export interface HookTool {
  readonly name: string;
  readonly kind: ToolKind;
  /** The arguments of the call; empty if the client sent no arguments that can be read. */
  readonly parameters: JsonObject;
}

export interface HookInput {
  readonly client: HookClient;
  readonly event: HookEvent;
  /** The moment of the event. If a subagent's turn or session ends, it is always `subagent-stop`. */
  readonly moment: Moment;
  /** The id of the session, in printable ASCII. For an event of a subagent, it is the id of the parent's session. */
  readonly session: string;
  readonly agent: HookAgent | null;
  /** The directory in which the agent works, as the client wrote it; "" if it is not known. */
  readonly directory: string;
  readonly tool: HookTool | null;
  /** The beginning of the prompt. Some clients send an empty prompt, or a prompt that no user wrote. */
  readonly prompt: string;
  /** True if a hook has already kept the agent from stopping. */
  readonly stopHeld: boolean;
  /** True at the end of a turn if a subagent of the session, or a command, still runs in the background. */
  readonly isBusyInBackground: boolean;
  /** The seconds for which the agent may be silent after this event; 0 unless a command is about to run. */
  readonly busyS: number;
  /** The exit code of a shell command that has run. Null for any other event, or if the client does not report it. */
  readonly exitCode: number | null;
  readonly repeat: RepeatKey;
}

const PRINTABLE = new RegExp(`^[\\x20-\\x7e]{1,${HOOK_ID_CHARACTERS_MAX}}$`);
/** If a background task has one of these statuses, it has ended. */
const ENDED: ReadonlySet<string> = new Set([
  "completed",
  "done",
  "failed",
  "killed",
  "stopped",
  "cancelled",
  "canceled",
]);
const LABEL_RULES = { charactersMax: HOOK_ID_CHARACTERS_MAX, required: true, line: true } as const;

/**
 * Reads an input. Returns null if its event is not known, or if it names no session.
 * @param pathEvent the event in the request's path; null if there is none. It is used if the input names no event.
 * @param body the bytes of the input, which may be malformed
 */
export function readHookInput(client: HookClient, pathEvent: string | null, body: Uint8Array): HookInput | null {
  const json = readObject(body);
  if (json === null) return null;
  const event = readEvent(client, pathEvent, json);
  if (event === undefined) return null;
  const owner = readOwner(client, json);
  if (owner === null) return null;
  const { session, agent } = owner;
  const moment = momentOf(event, agent);
  const tool = readTool(client, event, json);
  const call = textAt(json, client.fields.call);
  return {
    client,
    event,
    moment,
    session,
    agent,
    directory: readDirectory(client, json),
    tool,
    prompt: shorten(textAt(json, client.fields.prompt) ?? "", HOOK_PROMPT_CHARACTERS_MAX),
    stopHeld: isHeld(valueAt(json, client.fields.stopHeld)),
    isBusyInBackground: hasRunning(valueAt(json, client.fields.background)),
    busyS: tool?.kind === "shell" && moment === "before-tool" ? busySeconds(client, tool) : 0,
    exitCode:
      tool?.kind === "shell" && moment === "after-tool" ? shellExitCode(event.name, tool.parameters, json) : null,
    repeat: repeatKey({ session, event, moment, call }, body),
  };
}

function readObject(body: Uint8Array): JsonObject | null {
  if (body.byteLength > HOOK_BODY_BYTES_MAX || refuseStructure(body, HOOK_VALUES_MAX) !== null) return null;
  const read = readJsonText(body);
  return read instanceof Failure || !isJsonObject(read.json) ? null : read.json;
}

function readEvent(client: HookClient, pathEvent: string | null, json: JsonObject): HookEvent | undefined {
  const name = textAt(json, client.fields.event) ?? pathEvent;
  return name === null ? undefined : findEvent(client, name);
}

/** Returns the session and the subagent of an event. Returns null if an id is missing or malformed. */
function readOwner(client: HookClient, json: JsonObject): Pick<HookInput, "session" | "agent"> | null {
  const { fields, agentNeedsParent } = client;
  const own = textAt(json, fields.session);
  if (own === undefined || !PRINTABLE.test(own)) return null;
  const parentSession = textAt(json, fields.parentSession);
  if (parentSession !== undefined && parentSession !== own)
    return PRINTABLE.test(parentSession) ? { session: parentSession, agent: { id: own, label: own } } : null;
  const id = textAt(json, fields.agent);
  const parent = textAt(json, fields.parentAgent);
  if (id === undefined || (agentNeedsParent && parent === undefined)) return { session: own, agent: null };
  if (!PRINTABLE.test(id)) return null;
  const type = textAt(json, fields.agentType);
  const agent = { id, label: type !== undefined && textProblem(type, LABEL_RULES) === null ? type : id };
  if (own !== id) return { session: own, agent };
  // Some subagents send their own id as the session's id. Their session is then the session of the parent.
  if (parent === undefined || parent === id) return { session: own, agent: null };
  return PRINTABLE.test(parent) ? { session: parent, agent } : null;
}

/**
 * Returns the moment of an event, such as `stop`. If a subagent stops or ends, it is `subagent-stop`, because the
 * parent's turn and session continue.
 */
function momentOf({ moment }: HookEvent, agent: HookAgent | null): Moment {
  return agent !== null && (moment === "stop" || moment === "end") ? "subagent-stop" : moment;
}

function readDirectory({ fields }: HookClient, json: JsonObject): string {
  const candidates = [
    ...fields.directory.map((name) => memberAt(json, name)),
    ...fields.roots.flatMap((name) => textsOf(memberAt(json, name)).slice(0, 1)),
  ];
  const found = candidates.find((candidate) => typeof candidate === "string" && candidate !== "");
  if (typeof found !== "string" || found.length > HOOK_PATH_CHARACTERS_MAX || found.includes("\0")) return "";
  return found;
}

function readTool(client: HookClient, event: HookEvent, json: JsonObject): HookTool | null {
  if (event.moment !== "before-tool" && event.moment !== "after-tool") return null;
  const name = textAt(json, client.fields.tool) ?? event.tool;
  if (name === undefined || name.length > HOOK_TOOL_CHARACTERS_MAX) return null;
  const sent = valueAt(json, client.fields.parameters) ?? (event.tool === undefined ? undefined : json);
  return { name, kind: toolKind(client, name), parameters: parametersOf(sent) };
}

/**
 * Returns the arguments of a tool call as an object. Some clients send a string instead: the arguments as JSON, or a
 * patch.
 */
function parametersOf(sent: unknown): JsonObject {
  if (isJsonObject(sent)) return sent;
  if (typeof sent !== "string") return {};
  const parsed = sent.trimStart().startsWith("{") ? readObject(Buffer.from(sent)) : null;
  return parsed ?? { input: sent };
}

function isHeld(value: unknown): boolean {
  return value === true || (typeof value === "number" && value > 0);
}

/** Returns whether one of the background tasks still runs. A task without a status counts as running. */
function hasRunning(tasks: unknown): boolean {
  if (!Array.isArray(tasks)) return false;
  return tasks.some((task: unknown) => {
    const status = memberAt(task, "status");
    return typeof status !== "string" || !ENDED.has(status.toLowerCase());
  });
}

/** Returns the time-out of a command in whole seconds, or the default if the call states none. */
function busySeconds({ shellTimeout }: HookClient, { parameters }: HookTool): number {
  const sent = memberAt(parameters, "timeout");
  if (shellTimeout === null || typeof sent !== "number" || !(sent > 0)) return HOOK_BUSY_S_DEFAULT;
  return Math.min(Math.ceil(sent / 1000), INSTANCE_BUSY_S_MAX);
}
