/** A log in a component: read when it is first shown, read on when the feed of changes says that it has grown. */
import { useEffect, useMemo } from "preact/hooks";
import { listenForChanges } from "./changes.js";
import { History, type Log } from "./history.js";
import type { AskedKind } from "./types.js";

/** Between two looks at what is new: a burst of changes is one call. */
const GAP_MS = 500;

export interface HistoryOptions<Row> extends Log<Row> {
  /** What is read, filters included: another key is another log. */
  readonly key: string;
  /** Kinds of changes after which it may have grown; none for a log that is looked at as it was. */
  readonly kinds: readonly AskedKind[];
}

/** The history of a log, live while the component is there; `nudge` says that it may have grown. */
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
