/** A status in one word; its colour says it again. */
export type BadgeTone = "good" | "warn" | "bad" | "note" | "plain";

export function Badge({ tone = "plain", children }: { readonly tone?: BadgeTone; readonly children: string }) {
  return <span class={`badge badge-${tone}`}>{children}</span>;
}
