/** The interface of the checks of `doctor`, and the facts that all checks share. Types only. */
import type { ServeSettings } from "../../schemas/config.js";
import type { CliFailure } from "../failure.js";
import type { Identity } from "../settings.js";
import type { Access } from "./access.js";
import type { CheckName, Finding } from "./line.js";
import type { DoctorProject } from "./project.js";
import type { Reached } from "./reach.js";

/** The facts that all checks share. */
export interface Examined {
  readonly folder: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly project: DoctorProject;
  /** The settings of the command line, or the failure that says why they cannot be used. */
  readonly identity: Identity | CliFailure;
  readonly reached: Reached;
  readonly access: Access;
  /** The settings with which `koor serve` would start here, or the failure with which it would refuse them. */
  readonly serve: ServeSettings | CliFailure;
  /** The server settings that the user has set. Any other setting only says what `koor serve` would use. */
  readonly named: ReadonlySet<keyof ServeSettings>;
}

/** The need of a check: a server that answers (`server`), or one that also accepts the token (`token`). */
export type Need = "server" | "token";

export interface Check {
  readonly name: CheckName;
  readonly needs?: Need;
  readonly run: (examined: Examined) => readonly Finding[] | Promise<readonly Finding[]>;
}
