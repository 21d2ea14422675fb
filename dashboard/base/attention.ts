/** How many things wait for a person: the number beside Needs me, wherever one is. */
import { signal } from "@preact/signals";

export const attention = signal(0);
