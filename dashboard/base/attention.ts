/** The number of items that need a person. The menu shows it beside "Needs me", in every view. */
import { signal } from "@preact/signals";

export const attention = signal(0);
