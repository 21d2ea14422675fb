/**
 * The client of the change feed (`GET /api/changes`). The page has one connection, which all listeners share. The
 * client reconnects by itself. If it has missed changes meanwhile, it reports `lagged`, which means that anything may
 * have changed.
 *
 * A hidden page has no connection, because browsers allow only six connections to a server for all of their tabs.
 */
import { signal, type ReadonlySignal } from "@preact/signals";
import { type LinkState, Reconnect } from "../../shared/reconnect.js";
import type { AskedKind, ChangeMessage } from "./types.js";
import { listenForVisibility } from "../base/visibility.js";

/**
 * A change of one object of the server. `key` is the object's name; it is null if any object of the kind may have
 * changed. `version` is null if the object has no versions.
 */
export type Change = Exclude<ChangeMessage, { readonly kind: "lagged" }>;

/**
 * Receives a change, or null if changes were missed. Receives `opened` when the first connection opens. Changes before
 * `opened` are not reported.
 */
export type ChangeListener = (change: Change | "opened" | null) => void;

/** Every kind of change except events. The page gets events from a feed of their own. */
const KINDS: readonly AskedKind[] = [
  "state",
  "spec",
  "rule",
  "template",
  "webhook",
  "instance",
  "lease",
  "radar",
  "message",
  "task",
  "evidence",
  "usage",
  "budget",
  "rate_limit",
  "agent_metric",
  "compliance",
  "audit",
];
const PATH = `/api/changes?kinds=${KINDS.join(",")}`;
const RETRY_DELAYS = { minMs: 1_000, maxMs: 1_000 };

const listeners = new Map<AskedKind, Set<ChangeListener>>();
const link = new Reconnect(RETRY_DELAYS);
const state = signal<LinkState>("off");
let source: EventSource | null = null;
let retry: ReturnType<typeof setTimeout> | undefined;
let onDisconnect: () => void = () => undefined;
let wanted = false;

/** The state of the connection. It is `off` before the first connection and while the page is hidden. */
export const feedState: ReadonlySignal<LinkState> = state;

/** Calls `listener` for each change of the given kinds. The returned function removes the listener. */
export function listenForChanges(kinds: readonly AskedKind[], listener: ChangeListener): () => void {
  for (const kind of kinds) {
    const ofKind = listeners.get(kind) ?? new Set();
    listeners.set(kind, ofKind.add(listener));
  }
  return () => {
    for (const kind of kinds) listeners.get(kind)?.delete(listener);
  };
}

function notifyAll(change: "opened" | null): void {
  for (const listener of new Set([...listeners.values()].flatMap((ofKind) => [...ofKind]))) listener(change);
}

function dispatch(text: string): void {
  const message = JSON.parse(text) as ChangeMessage;
  if (message.kind === "lagged") notifyAll(null);
  else for (const listener of listeners.get(message.kind) ?? []) listener(message);
}

function connect(): void {
  disconnect();
  link.connecting();
  state.value = link.state;
  const opening = new EventSource(PATH);
  source = opening;
  opening.addEventListener("open", () => {
    // If there was a connection before, changes may have been missed since then.
    const missed = link.wasLive ? null : "opened";
    link.opened();
    state.value = link.state;
    notifyAll(missed);
  });
  opening.addEventListener("message", ({ data }) => dispatch(String(data)));
  opening.addEventListener("error", () => {
    // The client reconnects itself. The browser would do so only after a delay, and not at all after an HTTP error.
    disconnect();
    link.failed(Date.now());
    state.value = link.state;
    retry = setTimeout(connect, link.delayMs);
    onDisconnect();
  });
}

function disconnect(): void {
  clearTimeout(retry);
  source?.close();
  source = null;
}

/**
 * Sets the listener that is called when a connection fails or is closed. The session may have ended then; the feed does
 * not know the cause.
 */
export function listenForDisconnect(listener: () => void): void {
  onDisconnect = listener;
}

/** Opens the connection to the feed, unless it is open. `stopChanges` closes it. */
export function startChanges(): void {
  if (wanted) return;
  wanted = true;
  connect();
}

/** Disconnects, until `startChanges` is called again. */
export function stopChanges(): void {
  wanted = false;
  disconnect();
  link.forget();
  state.value = link.state;
}

listenForVisibility((visible) => {
  if (!wanted) return;
  if (visible && source === null) connect();
  else if (!visible) {
    disconnect();
    link.paused();
    state.value = link.state;
  }
});
