/**
 * A tmux terminal in which a test starts a program, presses keys and reads the screen. Each terminal has its own tmux
 * server, which reads no configuration. Runs in the test's process.
 */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { betweenLooks } from "../support/between-looks.js";
import { tieToThisProcess, type Owner } from "../support/owner.js";

/** For tap's `skip`: the reason if this machine lacks a program; false otherwise. */
export function programMissing(name: string): string | false {
  const { error } = spawnSync(name, [name === "tmux" ? "-V" : "--version"], { encoding: "utf8" });
  return error === undefined ? false : `there is no ${name} here`;
}

export interface TerminalOptions {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly columns?: number;
  readonly rows?: number;
}

export class Terminal {
  readonly #server: ChildProcess;

  private constructor(
    server: ChildProcess,
    readonly socket: string,
    readonly environment: NodeJS.ProcessEnv,
  ) {
    this.#server = server;
  }

  /** @param command the program and its arguments, which tmux starts without a shell */
  static async open(
    t: Owner,
    command: readonly string[],
    { cwd, env = {}, columns = 80, rows = 24 }: TerminalOptions,
  ): Promise<Terminal> {
    // The path is short, because the path of a socket may have only about 100 characters.
    const folder = mkdtempSync(join(tmpdir(), "koor-tmux-"));
    const socket = join(folder, "s");
    const environment = { PATH: process.env["PATH"] ?? "", LANG: "C.UTF-8", ...env };
    // The tmux server stays a child of this process, so that it ends with the test.
    const server = spawn("tmux", ["-S", socket, "-f", "/dev/null", "-u", "-D"], { env: environment, stdio: "ignore" });
    tieToThisProcess(server, "with_children");
    const ended = new Promise((resolve) => server.once("exit", resolve));
    const terminal = new Terminal(server, socket, environment);
    t.teardown(async () => {
      terminal.#run(["kill-server"]);
      await ended;
      rmSync(folder, { recursive: true, force: true });
    });
    // The socket's file exists before the server listens, so this retries. The option keeps the screen readable after
    // the program has ended.
    while (!existsSync(socket) || !terminal.#tries(["set-option", "-g", "remain-on-exit", "on"])) await betweenLooks();
    terminal.#run(["new-session", "-d", "-x", String(columns), "-y", String(rows), "-c", cwd, "--", ...command]);
    return terminal;
  }

  #spawn(words: readonly string[]): {
    readonly status: number | null;
    readonly stdout: string;
    readonly stderr: string;
  } {
    return spawnSync("tmux", ["-S", this.socket, ...words], { encoding: "utf8", env: this.environment });
  }

  /** Runs a tmux command. Returns whether it succeeded. */
  #tries(words: readonly string[]): boolean {
    return this.#spawn(words).status === 0;
  }

  #run(words: readonly string[]): string {
    const { stdout, stderr, status } = this.#spawn(words);
    if (status !== 0) throw new Error(`tmux ${words[0] ?? ""}: ${stderr}`);
    return stdout;
  }

  /** Presses keys by their names in tmux, such as `Tab`, `Down`, `F1` or `a`. */
  press(...keys: readonly string[]): void {
    this.#run(["send-keys", ...keys]);
  }

  /** Types a text without interpreting it. */
  type(text: string): void {
    this.#run(["send-keys", "-l", text]);
  }

  resize(columns: number, rows: number): void {
    this.#run(["resize-window", "-x", String(columns), "-y", String(rows)]);
  }

  /** Returns the lines of the screen, without trailing spaces. */
  lines(): readonly string[] {
    return this.#run(["capture-pane", "-p"]).split("\n").slice(0, -1);
  }

  /** Returns the screen with its escape sequences for colors. */
  coloured(): string {
    return this.#run(["capture-pane", "-p", "-e"]);
  }

  /** Returns a value that tmux has for the terminal, such as `pane_pid` or `alternate_on`. */
  ask(name: string): string {
    return this.#run(["display-message", "-p", `#{${name}}`]).trim();
  }

  /** Waits until `holds` returns true for the screen, and returns the screen's lines. */
  async until(holds: (screen: string, lines: readonly string[]) => boolean): Promise<readonly string[]> {
    for (;;) {
      const lines = this.lines();
      if (holds(lines.join("\n"), lines)) return lines;
      await betweenLooks();
    }
  }

  /**
   * Waits for the end of the program, and returns its exit code. tmux 3.3a sometimes misses the signal that its child
   * has ended, and the child stays a zombie. So the signal is sent again.
   */
  async exitCode(): Promise<string> {
    for (;;) {
      const code = this.ask("pane_dead_status");
      if (code !== "") return code;
      if (this.ask("pane_dead") === "1") this.#server.kill("SIGCHLD");
      await betweenLooks();
    }
  }

  /** Waits until a value of the terminal in tmux is the expected one. */
  async untilIs(name: string, value: string): Promise<void> {
    while (this.ask(name) !== value) await betweenLooks();
  }
}
