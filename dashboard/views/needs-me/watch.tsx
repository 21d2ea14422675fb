/**
 * Counts the items that need a person, for the menu and the title. Every view contains this component, which renders
 * nothing.
 */
import { useEffect } from "preact/hooks";
import { attention } from "../../base/attention.js";
import { SOURCES } from "./sources.js";

export function AttentionWatch() {
  // The hooks are always called in the same order, because the table is constant.
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
