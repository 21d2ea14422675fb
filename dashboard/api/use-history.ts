/**
 * A hook that shows a log in a component. It reads the log when the component is first shown. It reads again when the
 * change feed reports new rows.
 */
import { useEffect, useMemo } from "preact/hooks";
import { listenForChanges } from "./changes.js";
import { History, type Log } from "./history.js";
import type { AskedKind } from "./types.js";

/** The minimum time between two refreshes, in ms. A burst of changes then causes only one request. */
const GAP_MS = 500;

export interface HistoryOptions<Row> extends Log<Row> {
  /** Identifies the log, including its filters. If the key changes, another log is read. */
  readonly key: string;
  /** The kinds of changes that may add rows; empty for a log whose time range has ended. */
  readonly kinds: readonly AskedKind[];
}

/** Returns the history of a log, and updates it while the component is mounted. `nudge` schedules a refresh. */
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
