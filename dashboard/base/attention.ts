/** The number of items that need the attention of a person. In every view, the menu shows it beside "Needs me". */
import { signal } from "@preact/signals";

export const attention = signal(0);
