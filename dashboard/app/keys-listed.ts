/** Whether the dialog that lists the keys is open. */
import { signal } from "@preact/signals";

export const keysListed = signal(false);
