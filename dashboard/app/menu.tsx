/** The menu of views. On a narrow page, the button in the top bar opens it. */
import type { Signal } from "@preact/signals";
import { Icon } from "../parts/icon.js";
import { VIEWS, type ViewRow } from "../views.js";
import { addressOf } from "../base/address.js";
import { attention } from "../base/attention.js";

export function Menu({ current, open }: { readonly current: ViewRow | undefined; readonly open: Signal<boolean> }) {
  const waiting = attention.value;
  return (
    <nav id="menu" class={open.value ? "menu menu-open" : "menu"} aria-label="Views">
      <ul>
        {VIEWS.map((view) => (
          <li key={view.slug}>
            <a
              href={addressOf(view.slug)}
              aria-current={view === current ? "page" : undefined}
              aria-describedby={view.slug === "" && waiting > 0 ? "waiting" : undefined}
            >
              <Icon name={view.icon} />
              <span>{view.title}</span>
              {view.slug === "" && waiting > 0 && (
                // The link's accessible name does not contain the count, so a new count does not change the name.
                <span id="waiting" class="count" aria-hidden="true" title={`${waiting} need a person`}>
                  {waiting}
                </span>
              )}
            </a>
          </li>
        ))}
      </ul>
      {/* The documents are separate pages, which the browser loads. */}
      <a class="menu-documents" href="/docs">
        <Icon name="question" />
        <span>Documentation</span>
      </a>
    </nav>
  );
}
