/** A log in a component: read when it is first shown, and refreshed when the change feed reports new rows. */
import { useEffect, useMemo } from "preact/hooks";
import { listenForChanges } from "./changes.js";
import { History, type Log } from "./history.js";
import type { AskedKind } from "./types.js";

/** Minimum time between two refreshes: a burst of changes causes one call. */
const GAP_MS = 500;

export interface HistoryOptions<Row> extends Log<Row> {
  /** Identifies what is read, filters included. Another key is another log. */
  readonly key: string;
  /** Kinds of changes that may add rows; none for a log of the past. */
  readonly kinds: readonly AskedKind[];
}

/** Returns the history of a log, live while the component is mounted. `nudge` schedules a refresh. */
export function useHistory<Row>(options: HistoryOptions<Row>): {
  readonly history: History<Row>;
  readonly nudge: () => void;
} {
  const live = useMemo(() => {
    const history = new History(options);
    let timer: ReturnType<typeof setTimeout> | undefined;
    const nudge = (): void => {
      timer ??= setTimeout(() => {
        void history.refresh().finally(() => {
          timer = undefined;
        });
      }, GAP_MS);
    };
    const close = (): void => {
      clearTimeout(timer);
      history.close();
    };
    return { history, nudge, close };
  }, [options.key]);
  useEffect(() => {
    void live.history.refresh();
    const stop = listenForChanges(options.kinds, live.nudge);
    return () => {
      stop();
      live.close();
    };
  }, [live]);
  return live;
}
