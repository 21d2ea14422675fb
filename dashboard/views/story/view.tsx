/**
 * The story view: the state of the server at any time of a range. The user moves through the range. The view shows the
 * leases, tasks and keys of the chosen time, the events before it, and what each agent did in the range.
 */
import { effect, useSignal, type ReadonlySignal, type Signal } from "@preact/signals";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { agentsLoader } from "../../api/agents.js";
import { useResource, type Resource } from "../../api/resource.js";
import type { Instance } from "../../api/types.js";
import { clockTime } from "../../base/format.js";
import type { ViewProps } from "../../base/view-props.js";
import { useAddressQuery } from "../../parts/address-query.js";
import { Empty } from "../../parts/empty.js";
import { Choice, Fields } from "../../parts/fields.js";
import { Failure, Notice } from "../../parts/notice.js";
import { Page } from "../../parts/page.js";
import { RangeFields } from "../../parts/range-fields.js";
import { lanesOf } from "./lanes.js";
import { Happened } from "./happened.js";
import { LaneList } from "./lane-list.js";
import { EVENTS_MAX, momentLoader, storyLoader, type Moment, type Story } from "./loader.js";
import { eventsOf, workspacesOf } from "./of-workspace.js";
import { MomentLists } from "./moment.js";
import { Player } from "./player.js";
import { chosenIn, rangeIn, type Range } from "./range.js";
import { countUntil } from "./steps.js";

/** The minimum time between two requests while the chosen time moves, in ms. */
const READ_GAP_MS = 200;
/** When the chosen time has not moved for this time, in ms, it is written into the address. */
const ADDRESS_GAP_MS = 400;

const NO_AGENTS: readonly Instance[] = [];

const timeOf = (ms: number): string => new Date(ms).toISOString();

export function View({ query }: ViewProps) {
  const { set } = useAddressQuery();
  const { from = "", to = "", at = "", workspace = "" } = query;
  const agents = useResource(agentsLoader).data.value ?? NO_AGENTS;
  const workspaces = workspacesOf(agents, workspace);
  // If the address has no range, the range depends on the chosen time.
  const range = useMemo(() => rangeIn(query, Date.now()), [from, to, from + to === "" ? at : ""]);
  const [start, end] = [timeOf(range.fromMs), timeOf(range.toMs)];
  return (
    <Page title="Story">
      <Fields>
        <RangeFields from={start} to={end} set={(changes) => set({ ...changes, at: "" })} />
        {workspaces.length > 1 && (
          <Choice
            label="Workspace"
            value={workspace}
            choices={[["", "Any"], ...workspaces.map((one) => [one, one] as const)]}
            onChoose={(one) => set({ workspace: one })}
          />
        )}
      </Fields>
      <Period
        key={`${start} ${end}`}
        range={range}
        workspace={workspace}
        agents={agents}
        chosenMs={chosenIn(query, range)}
        onChosen={(ms) => set({ from: start, to: end, at: timeOf(ms) })}
      />
    </Page>
  );
}

interface PeriodProps {
  readonly range: Range;
  readonly workspace: string;
  readonly agents: readonly Instance[];
  readonly chosenMs: number;
  readonly onChosen: (ms: number) => void;
}

function Period({ range, workspace, agents, chosenMs, onChosen }: PeriodProps) {
  const at = useSignal(chosenMs);
  const playing = useSignal(false);
  const resource = useResource(storyLoader({ ...range, workspace }));
  const moment = useResource(momentLoader(useCalm(at), workspace));
  const read = resource.data.value;
  const story = useMemo(
    () =>
      read && { ...read, events: eventsOf(read.events, workspace, agents), full: read.events.length === EVENTS_MAX },
    [read, workspace, agents],
  );
  const times = useMemo(() => (story?.events ?? []).map(({ created_at }) => Date.parse(created_at)), [story]);
  useAddress(at, playing, onChosen);
  if (story === undefined) return <Failure of={resource} />;
  const go = (ms: number): void => {
    at.value = Math.min(range.toMs, Math.max(range.fromMs, ms));
  };
  return (
    <>
      <Failure of={resource} />
      <Player range={range} at={at} playing={playing} times={times}>
        <Lanes story={story} range={range} at={at} />
      </Player>
      <AtTime at={at} story={story} times={times} resource={moment} go={go} />
    </>
  );
}

/** Writes the chosen time into the address when it has stopped moving. */
function useAddress(at: ReadonlySignal<number>, playing: ReadonlySignal<boolean>, write: (ms: number) => void): void {
  const latest = useRef(write);
  latest.current = write;
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let written = at.peek();
    const stop = effect(() => {
      const ms = at.value;
      const moves = playing.value;
      clearTimeout(timer);
      if (moves || ms === written) return;
      timer = setTimeout(() => {
        written = ms;
        latest.current(ms);
      }, ADDRESS_GAP_MS);
    });
    return () => {
      stop();
      clearTimeout(timer);
    };
  }, []);
}

/** Returns the chosen time, updated at most once every READ_GAP_MS while it moves. */
function useCalm(at: ReadonlySignal<number>): number {
  const [calm, setCalm] = useState(at.peek());
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let known = calm;
    const stop = effect(() => {
      if (at.value === known) return;
      timer ??= setTimeout(() => {
        timer = undefined;
        known = at.peek();
        setCalm(known);
      }, READ_GAP_MS);
    });
    return () => {
      stop();
      clearTimeout(timer);
    };
  }, [at]);
  return calm;
}

interface LanesProps {
  /** The data of the range. `full` is true if the range has more events than the page holds. */
  readonly story: Story & { readonly full: boolean };
  readonly range: Range;
  readonly at: Signal<number>;
}

function Lanes({ story: { events, seed, eventsSinceMs, full }, range, at }: LanesProps) {
  const { toMs } = range;
  const lanes = useMemo(
    () => lanesOf(events, seed ?? { atMs: range.fromMs, leases: [], tasks: [] }, range),
    [events, seed, range],
  );
  const sinceMs = Math.max(seed?.atMs ?? toMs, eventsSinceMs ?? range.fromMs);
  if (lanes.length === 0)
    return (
      <Empty title="No agent did anything in this range" command="koor-cli lease acquire src/a.ts --ttl 60s">
        Choose an earlier range. What agents hold, wait for and work on is drawn here.
      </Empty>
    );
  return (
    <>
      {sinceMs > range.fromMs && (
        <Notice>
          {full
            ? `The range has more than ${EVENTS_MAX} events. The newest are shown, since `
            : "The server no longer knows the whole range. The lanes are complete since "}
          {clockTime(sinceMs, Date.now())}.
        </Notice>
      )}
      <LaneList lanes={lanes} range={range} at={at} sinceMs={sinceMs} />
    </>
  );
}

interface AtTimeProps {
  readonly at: ReadonlySignal<number>;
  readonly story: Story;
  readonly times: readonly number[];
  readonly resource: Resource<Moment>;
  readonly go: (ms: number) => void;
}

function AtTime({ at, story, times, resource, go }: AtTimeProps) {
  // While the lists of another time are being loaded, the previous lists stay.
  const last = useRef<Moment | undefined>(undefined);
  const moment = resource.data.value ?? last.current;
  last.current = moment;
  return (
    <>
      <Failure of={resource} />
      <div class="story-moment" aria-busy={moment?.atMs !== at.value}>
        <Happened events={story.events.slice(0, countUntil(times, at.value))} go={go} />
        {moment !== undefined && <MomentLists moment={moment} go={go} />}
      </div>
    </>
  );
}
