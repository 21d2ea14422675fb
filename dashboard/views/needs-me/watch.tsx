/** Counts what waits for a person, wherever one is: the number in the menu and in the title. Draws nothing. */
import { useEffect } from "preact/hooks";
import { attention } from "../../base/attention.js";
import { SOURCES } from "./sources.js";

export function AttentionWatch() {
  // The table never changes, so neither does the order of the hooks.
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
