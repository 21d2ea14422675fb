/** The interface of the checks of `doctor`, and the facts that they share. Types only. */
import type { ServeSettings } from "../../schemas/config.js";
import type { CliFailure } from "../failure.js";
import type { Identity } from "../settings.js";
import type { Access } from "./access.js";
import type { CheckName, Finding } from "./line.js";
import type { DoctorProject } from "./project.js";
import type { Reached } from "./reach.js";

/** The facts that are found out once, before the checks run. */
export interface Examined {
  readonly folder: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly project: DoctorProject;
  /** The settings of the command line. If they are invalid, the failure says why. */
  readonly identity: Identity | CliFailure;
  readonly reached: Reached;
  readonly access: Access;
  /** The settings with which `koor serve` would start here. If they are invalid, the failure says why. */
  readonly serve: ServeSettings | CliFailure;
  /** Which of the server's addresses and data directory the user has set. The others have their default values. */
  readonly named: ReadonlySet<keyof ServeSettings>;
}

/**
 * A check with `server` needs a server that answers. A check with `token` also needs the server to accept the token.
 */
export type Need = "server" | "token";

export interface Check {
  readonly name: CheckName;
  readonly needs?: Need;
  readonly run: (examined: Examined) => readonly Finding[] | Promise<readonly Finding[]>;
}
