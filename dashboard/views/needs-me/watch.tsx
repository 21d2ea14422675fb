/** Counts the items that need a person, in every view, for the menu and the title. Renders nothing. */
import { useEffect } from "preact/hooks";
import { attention } from "../../base/attention.js";
import { SOURCES } from "./sources.js";

export function AttentionWatch() {
  // The table is constant, so the order of the hooks is, too.
  const counts = SOURCES.map(({ useItems }) => useItems().items?.length ?? 0);
  const waiting = counts.reduce((sum, count) => sum + count, 0);
  useEffect(() => {
    attention.value = waiting;
  }, [waiting]);
  useEffect(
    () => () => {
      attention.value = 0;
    },
    [],
  );
  return null;
}
