/** The view of a space of versioned values: the tree of names with a search, and what of it is looked at. */
import { useSignal } from "@preact/signals";
import { useLocation } from "preact-iso/router";
import { count } from "../app/format.js";
import { useResource } from "../api/resource.js";
import { Empty } from "../parts/empty.js";
import { TextField } from "../parts/fields.js";
import { Failure } from "../parts/notice.js";
import { Page } from "../parts/page.js";
import type { ViewProps } from "../views.js";
import type { Space } from "./space.js";
import { Thing } from "./thing.js";
import { Tree } from "./tree.js";

export function SpaceView({ space, segments, query }: ViewProps & { readonly space: Space }) {
  const { path, route } = useLocation();
  const list = useResource(space.list);
  const wanted = useSignal(query["q"] ?? "");
  const named = space.named(segments);
  const entries = list.data.value;
  const search = (text: string): void => {
    wanted.value = text;
    if (named === null) route(text === "" ? path : `${path}?q=${encodeURIComponent(text)}`, true);
  };
  return (
    <Page
      title={space.title}
      home={`/${space.slug}`}
      {...(named === null ? {} : { part: named.name })}
      actions={entries !== undefined && <span class="hint">{count(entries.length)} in all</span>}
    >
      <Failure of={list} />
      <div class={named === null ? "space" : "space space-chosen"}>
        <div class="space-names">
          <TextField label="Search" type="search" value={wanted.value} onInput={search} placeholder="part of a name" />
          {entries !== undefined && entries.length > 0 && (
            <Tree space={space} entries={entries} wanted={wanted.value} current={named} />
          )}
          {entries?.length === 0 && (
            <Empty title={`No ${space.one} yet`} command={space.command}>
              What agents share is listed here as soon as one stores it.
            </Empty>
          )}
        </div>
        {named !== null ? (
          <Thing key={named.name} space={space} named={named} query={query} />
        ) : (
          entries !== undefined &&
          entries.length > 0 && <p class="hint space-none">Choose a {space.one} to see its value and its versions.</p>
        )}
      </div>
    </Page>
  );
}
