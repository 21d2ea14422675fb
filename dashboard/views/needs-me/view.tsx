/** The start page: the items that need a person, grouped by kind, with their actions. */
import { count, plural } from "../../base/format.js";
import { FirstSteps, useEmptyServer } from "../../parts/first-steps.js";
import { Failure } from "../../parts/notice.js";
import { Page, Section } from "../../parts/page.js";
import { ItemRow } from "./item-row.js";
import type { Item, Source } from "./source.js";
import { SOURCES } from "./sources.js";

/** The maximum number of items that are shown in a group. The others are only counted. */
const SHOWN_MAX = 24;

export function View() {
  const groups = SOURCES.map((source) => ({ source, ...source.useItems() }));
  // A group is shown only after all groups above it are loaded. So no group moves while the user is clicking.
  const unknown = groups.findIndex(({ items, resource }) => items === undefined && resource.error.value === null);
  const shown = unknown === -1 ? groups : groups.slice(0, unknown);
  // Only the first failure is shown, because most failures affect all groups.
  const failed = groups.find(({ resource }) => resource.error.value !== null);
  const waiting = shown.filter(({ items }) => items !== undefined && items.length > 0);
  return (
    <Page title="Needs me">
      {failed !== undefined && <Failure of={failed.resource} />}
      {waiting.map(({ source, items = [] }) => (
        <Group key={source.title} source={source} items={items} />
      ))}
      {unknown === -1 && waiting.length === 0 && (
        <Nothing lookedAt={groups.filter(({ items }) => items !== undefined)} />
      )}
    </Page>
  );
}

function Group({ source: { title, address }, items }: { readonly source: Source; readonly items: readonly Item[] }) {
  const more = items.length - SHOWN_MAX;
  return (
    <Section title={title} actions={<span class="hint">{count(items.length)}</span>}>
      <ul class="needs">
        {items.slice(0, SHOWN_MAX).map((item) => (
          <ItemRow key={item.key} item={item} />
        ))}
        {more > 0 && (
          <li class="need-more">
            <a href={address}>and {plural(more, "more", "more")}</a>
          </li>
        )}
      </ul>
    </Section>
  );
}

function Nothing({ lookedAt }: { readonly lookedAt: readonly { readonly source: Source }[] }) {
  const isEmpty = useEmptyServer();
  if (lookedAt.length === 0) return null;
  if (isEmpty) return <FirstSteps />;
  return (
    <div class="empty">
      <p class="empty-title">Nothing needs you</p>
      <ul class="nothing">
        {lookedAt.map(({ source: { none, address } }) => (
          <li key={none}>
            <a href={address}>{none}</a>
          </li>
        ))}
      </ul>
    </div>
  );
}
