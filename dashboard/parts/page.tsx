/**
 * The frame of a view: its heading, and what can be done beside it. The heading is also the document's title, with how
 * much waits for a person before it: so it is seen while another tab is looked at.
 */
import type { ComponentChildren } from "preact";
import { useLayoutEffect } from "preact/hooks";
import { attention } from "../base/attention.js";

interface PageProps {
  /** The view's name. */
  readonly title: string;
  /** What of the view is looked at: a key, an agent. */
  readonly part?: string;
  /** Where `title` leads to when a part is looked at. */
  readonly home?: string;
  readonly actions?: ComponentChildren;
  readonly children: ComponentChildren;
}

export function Page({ title, part, home, actions, children }: PageProps) {
  const waiting = attention.value;
  useLayoutEffect(() => {
    const name = part === undefined ? title : `${part} · ${title}`;
    document.title = waiting === 0 ? `${name} · Koor` : `(${waiting}) ${name} · Koor`;
  }, [title, part, waiting]);
  return (
    <>
      <div class="page-head">
        {part === undefined ? (
          <h1>{title}</h1>
        ) : (
          <h1>
            <a href={home ?? "/"}>{title}</a> <span class="page-part">{part}</span>
          </h1>
        )}
        {actions !== undefined && <div class="page-actions">{actions}</div>}
      </div>
      {children}
    </>
  );
}

/** A part of a view with a heading of its own. */
export function Section({
  title,
  actions,
  children,
}: {
  readonly title: string;
  readonly actions?: ComponentChildren;
  readonly children: ComponentChildren;
}) {
  return (
    <section class="section" aria-label={title}>
      <div class="section-head">
        <h2>{title}</h2>
        {actions}
      </div>
      {children}
    </section>
  );
}
