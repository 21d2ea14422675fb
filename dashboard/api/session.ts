/** Who looks at the page: the session with the server, its beginning and its end. */
import { computed, signal } from "@preact/signals";
import { listenForCut, startChanges, stopChanges } from "./changes.js";
import { getJson, listenForUnauthorized, send } from "./client.js";
import { forgetResources } from "./resource.js";
import type { Session } from "./types.js";

const PATH = "/session";
/** The cookie lives for 12 hours from the last time that the session was asked for. */
const RENEW_MS = 60 * 60 * 1_000;
const RETRY_MS = 1_000;

/** Undefined until the server has said. */
export const session = signal<Session | undefined>(undefined);
/** Whether there is a session that ended while the page was open. */
export const session_ended = signal(false);
/** Whether the server could not be asked. */
export const unreachable = signal(false);
/** Whether the caller may do what needs the server's token. */
export const may_decide = computed(() => session.value?.role !== "instance");

let renewal: ReturnType<typeof setInterval> | undefined;

function begin(now: Session): void {
  const was_logged_in = session.value?.logged_in === true;
  session.value = now;
  unreachable.value = false;
  clearInterval(renewal);
  if (!now.logged_in) {
    if (!was_logged_in) return;
    stopChanges();
    forgetResources();
    session_ended.value = true;
    return;
  }
  session_ended.value = false;
  startChanges();
  if (now.auth) renewal = setInterval(() => void askSession(), RENEW_MS);
}

/** Asks who this is; goes on asking while the server cannot be reached. */
export async function askSession(): Promise<void> {
  try {
    begin(await getJson<Session>(PATH));
  } catch {
    unreachable.value = true;
    setTimeout(() => void askSession(), RETRY_MS);
  }
}

/**
 * Begins a session with the server's token, or with an instance's.
 * @throws ApiError where it is refused
 */
export async function logIn(token: string): Promise<void> {
  begin(await send<Session>("POST", PATH, { token }));
}

/** Ends the session, here and on the server. */
export async function logOut(): Promise<void> {
  await send("DELETE", PATH);
  await askSession();
  // It was meant to.
  session_ended.value = false;
}

/** Asks whether there is a session still, where there was one. Whoever cannot be asked is asked again by others. */
async function checkSession(): Promise<void> {
  if (session.value?.logged_in !== true) return;
  try {
    begin(await getJson<Session>(PATH));
  } catch {
    // The page says already that it reconnects.
  }
}

listenForUnauthorized(() => void checkSession());
listenForCut(() => void checkSession());
