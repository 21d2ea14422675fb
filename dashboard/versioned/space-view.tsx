/**
 * The view of a space, which is a set of versioned values. It shows the tree of names with a search, and the selected
 * key or spec.
 */
import { useSignal } from "@preact/signals";
import { useLocation } from "preact-iso/router";
import { useMemo } from "preact/hooks";
import { count } from "../base/format.js";
import { query as queryOf } from "../base/path.js";
import { useResource } from "../api/resource.js";
import { Empty } from "../parts/empty.js";
import { ValueChoice } from "../parts/agent-choice.js";
import { TextField } from "../parts/fields.js";
import { Failure } from "../parts/notice.js";
import { Page, Section } from "../parts/page.js";
import { Table } from "../parts/table.js";
import { Time } from "../parts/time.js";
import type { ViewProps } from "../base/view-props.js";
import { Create } from "./create.js";
import type { Entry, Space } from "./space.js";
import { Thing } from "./thing.js";
import { Tree } from "./tree.js";

export function SpaceView({ space, segments, query }: ViewProps & { readonly space: Space }) {
  const { path, route } = useLocation();
  const list = useResource(space.list);
  const wanted = useSignal(query["q"] ?? "");
  const type = useSignal(query["type"] ?? "");
  const named = space.named(segments);
  const all = list.data.value;
  const types = useMemo(() => new Set(all?.flatMap(({ content_type }) => content_type ?? [])), [all]);
  const entries = useMemo(
    () => (type.value === "" ? all : all?.filter(({ content_type }) => content_type === type.value)),
    [all, type.value],
  );
  const filter = (): void => {
    if (named === null) route(path + queryOf({ q: wanted.value, type: type.value }), true);
  };
  return (
    <Page
      title={space.title}
      home={`/${space.slug}`}
      {...(named === null ? {} : { part: named.name })}
      actions={
        <>
          {all !== undefined && <span class="hint">{count(all.length)} in total</span>}
          <Create space={space} />
        </>
      }
    >
      <Failure of={list} />
      <div class={named === null ? "space" : "space space-chosen"}>
        <div class="space-names">
          <div class="space-filter">
            <TextField
              label="Search"
              type="search"
              value={wanted.value}
              placeholder="part of a name"
              onInput={(text) => {
                wanted.value = text;
                filter();
              }}
            />
            {(types.size > 1 || type.value !== "") && (
              <ValueChoice
                label="Type"
                value={type.value}
                values={[...types]}
                onChoose={(chosen) => {
                  type.value = chosen;
                  filter();
                }}
              />
            )}
          </div>
          {entries !== undefined && entries.length > 0 && (
            <Tree space={space} entries={entries} wanted={wanted.value} current={named} />
          )}
          {entries?.length === 0 && type.value !== "" && <p class="hint">No {space.one} has this type.</p>}
          {all?.length === 0 && (
            <Empty title={`No ${space.one} yet`} command={space.command}>
              Everything that agents store appears here.
            </Empty>
          )}
        </div>
        {named !== null ? (
          <Thing key={named.name} space={space} named={named} query={query} />
        ) : (
          entries !== undefined && entries.length > 0 && <RecentlyChanged space={space} entries={entries} />
        )}
      </div>
    </Page>
  );
}

const RECENT_SHOWN = 20;

/** Lists the keys or specs that were written last. They show where agents are working now. */
function RecentlyChanged({ space, entries }: { readonly space: Space; readonly entries: readonly Entry[] }) {
  const newest = useMemo(
    () => entries.toSorted((a, b) => (a.updated_at < b.updated_at ? 1 : -1)).slice(0, RECENT_SHOWN),
    [entries],
  );
  return (
    <div class="space-recent">
      <Section title="Recently changed">
        <Table
          label={`${space.title} changed recently`}
          rows={newest}
          keyOf={({ name }) => name}
          columns={[
            {
              head: "Name",
              kind: "wide",
              opens: true,
              sort: ({ name }) => name,
              cell: ({ name, path }) => <a href={space.named(path)?.address ?? `/${space.slug}`}>{name}</a>,
            },
            { head: "Version", kind: "number", sort: ({ version }) => version, cell: ({ version }) => version },
            {
              head: "Changed",
              sort: ({ updated_at }) => updated_at,
              cell: ({ updated_at }) => <Time at={updated_at} />,
            },
          ]}
        />
      </Section>
    </div>
  );
}
