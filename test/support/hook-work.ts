/** Sends hook calls of agents' clients to a real server: an agent begins a session, or is about to edit a file. */
import { send, type Answer } from "./http-client.js";

/** The session of a client in a checkout. */
export interface HookSession {
  readonly client: string;
  readonly session: string;
  readonly checkout: string;
  readonly branch: string;
  readonly root: string;
  /** `shop` by default. */
  readonly workspace?: string;
  /** The policy of the project; `auto` by default. */
  readonly policy?: string;
}

let calls = 0;

/** Sends the hook of an event. */
export function sendHook(port: number, of: HookSession, event: string, more: object = {}): Promise<Answer> {
  const { client, session, checkout, branch, root, workspace = "shop", policy = "auto" } = of;
  return send(port, "POST", `/api/hooks/${client}`, {
    headers: {
      "X-Koor-Root": root,
      "X-Koor-Workspace": workspace,
      "X-Koor-Checkout": checkout,
      "X-Koor-Branch": encodeURIComponent(branch),
      "X-Koor-Policy": policy,
    },
    body: JSON.stringify({ session_id: session, cwd: root, hook_event_name: event, prompt_id: calls++, ...more }),
  });
}

/**
 * Sends the hook call before an edit. Each call belongs to another tool call.
 * @param more additional members, for example of a subagent's hook
 */
export function sendEdit(port: number, of: HookSession, path: string, more: object = {}): Promise<Answer> {
  const edit = { tool_name: "Edit", tool_use_id: `tool-${calls}`, tool_input: { file_path: `${of.root}/${path}` } };
  return sendHook(port, of, "PreToolUse", { ...edit, ...more });
}
