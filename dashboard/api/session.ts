/** Keeps the user's session with the server: who the user is, login and logout. */
import { computed, signal } from "@preact/signals";
import { listenForDisconnect, startChanges, stopChanges } from "./changes.js";
import { getJson, listenForUnauthorized, send } from "./client.js";
import { forgetResources } from "./resource.js";
import type { Session } from "./types.js";

const PATH = "/session";
/**
 * The interval at which the session is renewed, in ms. Its cookie is valid for 12 hours after the last request for the
 * session.
 */
const RENEW_MS = 60 * 60 * 1_000;
const RETRY_MS = 1_000;

/** The user's session; undefined until the server has answered. */
export const session = signal<Session | undefined>(undefined);
/** Whether the session has ended while the page was open. */
export const sessionEnded = signal(false);
/** Whether the server could not be reached. */
export const unreachable = signal(false);
/** Whether the user may take actions that need the server's token. */
export const mayDecide = computed(() => session.value?.role !== "instance");
/**
 * Whether the user may send messages and add tasks. This needs the server's token or an instance's token. With an
 * instance's token, the user acts as the instance.
 */
export const mayWrite = computed(() => session.value?.logged_in === true);

let renewal: ReturnType<typeof setInterval> | undefined;

function begin(now: Session): void {
  const wasLoggedIn = session.value?.logged_in === true;
  session.value = now;
  unreachable.value = false;
  clearInterval(renewal);
  if (!now.logged_in) {
    if (!wasLoggedIn) return;
    stopChanges();
    forgetResources();
    sessionEnded.value = true;
    return;
  }
  sessionEnded.value = false;
  startChanges();
  if (now.auth) renewal = setInterval(() => void askSession(), RENEW_MS);
}

/** Requests the user's session from the server. Retries while the server is unreachable. */
export async function askSession(): Promise<void> {
  try {
    begin(await getJson<Session>(PATH));
  } catch {
    unreachable.value = true;
    setTimeout(() => void askSession(), RETRY_MS);
  }
}

/**
 * Starts a session. The token may be the server's or an instance's.
 * @throws ApiError if the request fails
 */
export async function logIn(token: string): Promise<void> {
  begin(await send<Session>("POST", PATH, { token }));
}

/** Ends the session, here and on the server. */
export async function logOut(): Promise<void> {
  await send("DELETE", PATH);
  await askSession();
  // The user has chosen to log out, so show no notice that the session has ended.
  sessionEnded.value = false;
}

/**
 * Checks whether the user's session still exists. If the server is unreachable, other code retries, so the check is not
 * repeated.
 */
async function checkSession(): Promise<void> {
  if (session.value?.logged_in !== true) return;
  try {
    begin(await getJson<Session>(PATH));
  } catch {
    // Ignore the error, because the page already shows that it is reconnecting.
  }
}

listenForUnauthorized(() => void checkSession());
listenForDisconnect(() => void checkSession());
