/** Logs that the server has started, with its addresses and settings. Also logs warnings about unsafe settings. */
import { flagOf, type Config } from "../../schemas/config.js";
import { SERVER_TOKEN_CHARACTERS_MIN } from "../../schemas/limits/tokens.js";
import { VERSION } from "../../schemas/version.js";
import type { Log } from "../base/log.js";
import { shortToken, isExposed } from "../platform/config/exposure.js";
import type { SettingsSource } from "../platform/config/load.js";
import type { Addresses } from "../platform/front/server.js";
import { isOpenToOthers } from "../platform/store/data-dir.js";
import { sqliteChoice } from "../platform/store/sqlite/choice.js";
import type { ChosenTransport } from "../platform/transport/choose.js";

export interface Announcement {
  readonly log: Log;
  readonly config: Config;
  /** The settings file from which options were read; null if there is none. */
  readonly file: SettingsSource | null;
  readonly addresses: Addresses;
  readonly dataDir: string;
  readonly chosen: ChosenTransport;
}

export function announce({ log, config, file, addresses, dataDir, chosen }: Announcement): void {
  const { library, fallback } = sqliteChoice();
  log.info("koor listening", {
    version: VERSION,
    api: addresses.api,
    dashboard: addresses.dashboard,
    data_dir: dataDir,
    auth: config.auth_token !== "",
    transport: chosen.name,
    ...(chosen.fallback === "" ? {} : { transport_fallback: chosen.fallback }),
    sqlite: library.way,
    // Log `sqlite_fallback` only if the server does not use the SQLite library that is preferred for this version of
    // Node.
    ...(fallback === "" ? {} : { sqlite_fallback: fallback }),
  });
  // Without `--config`, the file is the one in the current folder, which another person may have written.
  if (file !== null) log.info("some settings come from a file", { file: file.path, keys: file.keys.join(",") });
  if (config.auth_token !== "" && isOpenToOthers(dataDir))
    log.warn("other users of this machine can open the data directory: chmod 700 it", { data_dir: dataDir });
  const short = shortToken(config);
  if (short !== null)
    log.warn(`${flagOf(short)} is so short that it can be guessed: use a longer one`, {
      characters_min: SERVER_TOKEN_CHARACTERS_MIN,
    });
  if (isExposed(config)) {
    log.warn(
      "anyone who can reach this machine can read and change everything: set --auth-token, or bind to localhost",
    );
  }
}
