/**
 * Shows one key or spec: its current value or an older one, and the list of its versions. The user can compare two
 * versions and roll back to an older one.
 */
import { useSignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { useLocation } from "preact-iso/router";
import { ApiError } from "../api/client.js";
import { useResource } from "../api/resource.js";
import { bytes } from "../base/format.js";
import { Agent } from "../parts/agent.js";
import { Badge } from "../parts/badge.js";
import { Button } from "../parts/button.js";
import { StoredBytes } from "../parts/code.js";
import { Failure } from "../parts/notice.js";
import { Section } from "../parts/page.js";
import { Time } from "../parts/time.js";
import type { Draft } from "./draft.js";
import { Compare } from "./compare.js";
import { EditButtons } from "./edit-buttons.js";
import { RollBack } from "./roll-back.js";
import {
  draftOf,
  valueLoader,
  VERSIONS_FIRST,
  VERSIONS_MOST,
  versionsLoader,
  type Named,
  type Space,
} from "./space.js";
import { Versions } from "./versions.js";

const NOT_FOUND = 404;
const NOTHING: Draft = { text: "", contentType: "application/json", version: 0 };

interface ThingProps {
  readonly space: Space;
  readonly named: Named;
  readonly query: Readonly<Record<string, string>>;
}

/** Parses a version number from the address; undefined if it is not a positive integer. */
function versionIn(text: string | undefined): number | undefined {
  const version = Number(text);
  return Number.isSafeInteger(version) && version > 0 ? version : undefined;
}

export function Thing({ space, named, query }: ThingProps) {
  const { route } = useLocation();
  const asked = versionIn(query["version"]);
  const limit = useSignal(VERSIONS_FIRST);
  const back = useSignal<number | null>(null);
  const value = useResource(valueLoader(space, named, asked));
  const versions = useResource(versionsLoader(space, named, limit.value));
  const all = versions.data.value ?? [];
  const shown = value.data.value;
  const newest = all[0]?.version ?? shown?.version ?? 0;
  const gone = value.error.value instanceof ApiError && value.error.value.status === NOT_FOUND;
  const ofShown = all.find(({ version }) => version === shown?.version);
  const stored = useMemo(() => (gone ? NOTHING : shown === undefined ? undefined : draftOf(shown)), [gone, shown]);
  const compared = query["compare"];
  const goTo = (parameters: string): void => route(named.address + parameters);

  return (
    <div class="thing">
      {!gone && <Failure of={value} />}
      {(gone || shown !== undefined) && (
        <Section
          title={asked === undefined ? "Value" : `Value of version ${asked}`}
          actions={
            <div class="buttons">
              {asked === undefined ? (
                <EditButtons
                  space={space}
                  named={named}
                  stored={stored}
                  version={gone ? 0 : newest}
                  onRefused={() => value.refresh()}
                />
              ) : (
                <Button onClick={() => goTo("")}>Show the current value</Button>
              )}
              {!gone && (
                <a class="button" href={named.api} download={named.path.at(-1) ?? named.name}>
                  Download
                </a>
              )}
            </div>
          }
        >
          {gone || shown === undefined ? (
            <p class="hint">
              {all.length === 0
                ? `There is no ${space.one} with this name.`
                : `This ${space.one} was deleted. Its versions remain, and each can be restored.`}
            </p>
          ) : (
            <>
              <p class="thing-facts">
                <Badge tone={asked === undefined ? "good" : "plain"}>{`version ${shown.version}`}</Badge>
                <span>{shown.content_type}</span>
                <span>{bytes(shown.bytes.byteLength)}</span>
                {ofShown !== undefined && (
                  <span>
                    <Time at={ofShown.updated_at} /> by <Agent id={ofShown.updated_by} />
                  </span>
                )}
              </p>
              <StoredBytes value={shown.bytes} content_type={shown.content_type} label={named.name} />
            </>
          )}
        </Section>
      )}
      {all.length > 0 && (
        <Section
          title="Versions"
          actions={
            all.length > 1 && (
              <Button
                pressed={compared !== undefined}
                onClick={() => goTo(compared === undefined ? `?compare=${all[1]?.version},${newest}` : "")}
              >
                Compare
              </Button>
            )
          }
        >
          {compared !== undefined && (
            <Compare
              space={space}
              named={named}
              versions={all}
              chosen={compared.split(",").map(versionIn)}
              onChoose={(before, after) => goTo(`?compare=${before},${after}`)}
            />
          )}
          <Versions
            versions={all}
            current={gone ? null : newest}
            shown={shown?.version}
            onShow={(version) => goTo(version === newest && !gone ? "" : `?version=${version}`)}
            onRollBack={(version) => {
              back.value = version;
            }}
          />
          {all.length >= limit.value && limit.value < VERSIONS_MOST && (
            <Button
              onClick={() => {
                limit.value = VERSIONS_MOST;
              }}
            >
              Show older versions
            </Button>
          )}
        </Section>
      )}
      {back.value !== null && (
        <RollBack
          space={space}
          named={named}
          to={back.value}
          current={gone ? null : newest}
          onClose={() => {
            back.value = null;
          }}
        />
      )}
    </div>
  );
}
