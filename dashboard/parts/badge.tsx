/** Shows a badge with a status word. The colour repeats the meaning of the word. */
export type BadgeTone = "good" | "warn" | "bad" | "note" | "plain";

export function Badge({ tone = "plain", children }: { readonly tone?: BadgeTone; readonly children: string }) {
  return <span class={`badge badge-${tone}`}>{children}</span>;
}
