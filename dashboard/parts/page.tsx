/**
 * The frame of a view: a heading, with actions beside it. The heading is also the document's title. The title begins
 * with the number of items that need a person, so that it is visible from another tab.
 */
import type { ComponentChildren } from "preact";
import { useLayoutEffect } from "preact/hooks";
import { attention } from "../base/attention.js";

interface PageProps {
  /** The view's name. */
  readonly title: string;
  /** The name of the single thing that the view shows, such as a key or an agent. */
  readonly part?: string;
  /** The address to which `title` links if the view shows a single thing. */
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

/** A section of a view with its own heading. */
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
