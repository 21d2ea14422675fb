/** Shows one figure with its label and a note. */
import type { ComponentChildren } from "preact";

interface StatProps {
  readonly label: string;
  readonly value: ComponentChildren;
  readonly about?: ComponentChildren;
  readonly href?: string;
  readonly tone?: "good" | "warn" | "bad";
}

export function Stat({ label, value, about, href, tone }: StatProps) {
  return (
    <div class={tone === undefined ? "stat" : `stat stat-${tone}`}>
      <span class="stat-label">{href === undefined ? label : <a href={href}>{label}</a>}</span>
      <span class="stat-value">{value}</span>
      {about !== undefined && <span class="stat-about">{about}</span>}
    </div>
  );
}

export function Stats({ children }: { readonly children: ComponentChildren }) {
  return <div class="stats">{children}</div>;
}
