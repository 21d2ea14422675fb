/** Keys and topics at which crashing-writer.ts does something: crashes in a batch, takes its time, crashes after a commit. */
export const FAULTS = { crash: "fault/crash", slow: "fault/slow", silent: "fault/silent" } as const;
