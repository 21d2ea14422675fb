/**
 * The feed of changes (`GET /api/changes`): one connection for the whole page, and who wants to know of which kind.
 * It reconnects by itself; what was missed meanwhile is told as `lagged`, which means: anything may have changed.
 * While nobody looks at the page there is no connection: browsers allow six a server for all of their tabs.
 */
import { signal, type ReadonlySignal } from "@preact/signals";
import type { AskedKind, ChangeMessage } from "./types.js";
import { listenForVisibility } from "../base/visibility.js";

/** A change by name: `key` is null where any of the kind may have changed, `version` where it has none. */
export type Change = Exclude<ChangeMessage, { readonly kind: "lagged" }>;

/** Told of one change; of null: some were left out; of `opened`: from now on they are told, what was before was not. */
export type ChangeListener = (change: Change | "opened" | null) => void;

/** `off` before the first connection, and while the page is hidden. */
export type FeedState = "off" | "connecting" | "live" | "reconnecting";

/** All but events, which have a feed of their own. */
const KINDS: readonly AskedKind[] = [
  "state",
  "spec",
  "rule",
  "template",
  "webhook",
  "instance",
  "lease",
  "message",
  "task",
  "usage",
  "agent_metric",
  "compliance",
  "audit",
];
const PATH = `/api/changes?kinds=${KINDS.join(",")}`;
const RETRY_MS = 1_000;

const listeners = new Map<AskedKind, Set<ChangeListener>>();
const state = signal<FeedState>("off");
let source: EventSource | null = null;
let retry: ReturnType<typeof setTimeout> | undefined;
let onCut: () => void = () => undefined;
let wanted = false;
/** Whether there has been a connection: the next one has missed something. */
let connected_before = false;

/** How the connection is. */
export const feedState: ReadonlySignal<FeedState> = state;

/** Tells `listener` of changes of these kinds until the returned function is called. */
export function listenForChanges(kinds: readonly AskedKind[], listener: ChangeListener): () => void {
  for (const kind of kinds) {
    const of_kind = listeners.get(kind) ?? new Set();
    listeners.set(kind, of_kind.add(listener));
  }
  return () => {
    for (const kind of kinds) listeners.get(kind)?.delete(listener);
  };
}

function tellAll(word: "opened" | null): void {
  for (const listener of new Set([...listeners.values()].flatMap((of_kind) => [...of_kind]))) listener(word);
}

function take(text: string): void {
  const message = JSON.parse(text) as ChangeMessage;
  if (message.kind === "lagged") tellAll(null);
  else for (const listener of listeners.get(message.kind) ?? []) listener(message);
}

function connect(): void {
  disconnect();
  state.value = connected_before ? "reconnecting" : "connecting";
  const opening = new EventSource(PATH);
  source = opening;
  opening.addEventListener("open", () => {
    state.value = "live";
    tellAll(connected_before ? null : "opened");
    connected_before = true;
  });
  opening.addEventListener("message", ({ data }) => take(String(data)));
  opening.addEventListener("error", () => {
    // The browser tries again by itself, but not after a refusal, and not soon.
    disconnect();
    state.value = "reconnecting";
    retry = setTimeout(connect, RETRY_MS);
    onCut();
  });
}

function disconnect(): void {
  clearTimeout(retry);
  source?.close();
  source = null;
}

/** Who is told that a connection failed or was cut: the session may have ended, which the feed is not told. */
export function listenForCut(listener: () => void): void {
  onCut = listener;
}

/** Begins to listen where it does not yet; `stopChanges` ends it. */
export function startChanges(): void {
  if (wanted) return;
  wanted = true;
  connect();
}

/** Ends the connection, for good or until `startChanges`. */
export function stopChanges(): void {
  wanted = false;
  connected_before = false;
  disconnect();
  state.value = "off";
}

listenForVisibility((visible) => {
  if (!wanted) return;
  if (visible && source === null) connect();
  else if (!visible) {
    disconnect();
    state.value = "off";
  }
});
