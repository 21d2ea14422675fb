/** A notice at the top of the page. */
import type { ComponentChildren } from "preact";
import { failureOf, type Freshness } from "../api/resource.js";
import { ago } from "../base/format.js";
import { nowMs } from "../base/clock.js";

export function Notice({
  children,
  tone = "note",
}: {
  readonly children: ComponentChildren;
  readonly tone?: "note" | "bad";
}) {
  return (
    <div class={`notice notice-${tone}`} role={tone === "bad" ? "alert" : "status"}>
      {children}
    </div>
  );
}

/**
 * Reports that a resource could not be fetched, and how old the shown data are. Renders nothing if there is no error.
 */
export function Failure({ of }: { readonly of: Freshness }) {
  const failure = failureOf(of);
  if (failure === "") return null;
  const age = of.fetchedMs.value === 0 ? "" : ` The data shown is from ${ago(of.fetchedMs.value, nowMs.value)}.`;
  return (
    <Notice tone="bad">
      Could not be read: {failure}.{age}
    </Notice>
  );
}
