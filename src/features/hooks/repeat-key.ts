/**
 * Makes the key by which a repeated call of a hook is recognized. Several clients also run the hooks in Claude Code's
 * settings, so one event may call the hooks of two clients. The key therefore does not depend on the client. Pure.
 */
import { HOOK_CALL_REPEAT_MS, HOOK_INPUT_REPEAT_MS } from "../../../schemas/limits/hooks.js";
import { crypto, sha256 } from "../../base/crypto.js";
import type { HookEvent, Moment } from "./client.js";

export interface RepeatKey {
  /** A hash of fixed length that identifies the call. */
  readonly key: string;
  /** The time for which a second call with this key counts as a repetition of the first. */
  readonly windowMs: number;
}

export interface RepeatedCall {
  readonly session: string;
  readonly event: HookEvent;
  readonly moment: Moment;
  /** The id of the tool call; undefined if the client sends none. */
  readonly call: string | undefined;
}

/**
 * Returns the key of a hook's call. If the tool call has an id, the key is made of this id and of the moment (before or
 * after the tool call). Otherwise the key is made of the whole input, which usually contains a timestamp.
 */
export function repeatKey({ session, event, moment, call }: RepeatedCall, body: Uint8Array): RepeatKey {
  const name = event.name.toLowerCase();
  if (call === undefined) {
    const hash = crypto().createHash("sha256").update(`input\0${session}\0${name}\0`).update(body);
    return { key: hash.digest("base64url"), windowMs: HOOK_INPUT_REPEAT_MS };
  }
  return {
    key: sha256(`call\0${session}\0${moment === "other" ? name : moment}\0${call}`, "base64url"),
    windowMs: HOOK_CALL_REPEAT_MS,
  };
}
