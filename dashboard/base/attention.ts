/** The number of items that need a person. The menu shows the number beside "Needs me", in every view. */
import { signal } from "@preact/signals";

export const attention = signal(0);
