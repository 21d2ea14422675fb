/** A badge with a status word; the colour repeats its meaning. */
export type BadgeTone = "good" | "warn" | "bad" | "note" | "plain";

export function Badge({ tone = "plain", children }: { readonly tone?: BadgeTone; readonly children: string }) {
  return <span class={`badge badge-${tone}`}>{children}</span>;
}
