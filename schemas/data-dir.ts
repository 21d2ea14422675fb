/** Defines the state of a data directory, which the server's program reports to `koor doctor`. Types only. */

/**
 * The state of a data directory. `absent`: the server will make the directory. `free`: no server uses it. `locked`: a
 * server uses it. `unusable`: a server would reject it, for the given reason.
 */
export type DataDirState =
  | {
      readonly kind: "absent" | "free" | "locked";
      /** Whether other users of the machine can read it. */
      readonly isOpenToOthers: boolean;
    }
  | { readonly kind: "unusable"; readonly reason: string };
