/**
 * The terminal of `top`: keys, size, and a screen of which only changed lines are written. It is the alternate screen,
 * so the lines of the shell are back afterwards, at every end of the program. Written by hand, because the screen is a
 * list of lines: libraries for terminals bring widgets, colours and layouts of many times this size. Runs in the CLI
 * process.
 */
import { writeSync } from "node:fs";
import type { ReadStream, WriteStream } from "node:tty";

import type { Key } from "./controls.js";
import type { Size } from "./layout.js";

const STDOUT = 1;
/** Opens the alternate screen, hides the cursor and stops the wrapping of lines. `CLOSE` undoes that. */
const OPEN = "\u001b[?1049h\u001b[?25l\u001b[?7l\u001b[2J";
const CLOSE = "\u001b[0m\u001b[?7h\u001b[?25h\u001b[?1049l";
/** The size of a terminal that does not say its own. */
const FALLBACK: Size = { columns: 80, rows: 24 };
/** A frame is left out while the terminal has not yet taken more than this. */
const UNTAKEN_BYTES_MAX = 64 * 1024;

export interface ScreenEvents {
  readonly onKey: (key: Key) => void;
  readonly onResize: () => void;
  /** The terminal has gone. */
  readonly onHangUp: () => void;
}

export class Screen {
  readonly #input: ReadStream;
  readonly #output: WriteStream;
  readonly #events: ScreenEvents;
  #isOpen = false;
  /** The lines that are on the screen. */
  #lines: readonly string[] = [];

  /** @param output stdout */
  constructor(input: ReadStream, output: WriteStream, events: ScreenEvents) {
    this.#input = input;
    this.#output = output;
    this.#events = events;
  }

  get size(): Size {
    const { columns, rows } = this.#output;
    return { columns: columns || FALLBACK.columns, rows: rows || FALLBACK.rows };
  }

  /** Takes the terminal for the rest of the process, and gives it back when the process ends for any reason. */
  async start(): Promise<void> {
    // Only this module needs it.
    const { emitKeypressEvents } = await import("node:readline");
    emitKeypressEvents(this.#input);
    this.#input.on("keypress", (text: string | undefined, { name, ctrl, shift }: Partial<KeyInfo>) =>
      this.#events.onKey({ name: name ?? "", text: text ?? "", isCtrl: ctrl === true, isShift: shift === true }),
    );
    this.#input.on("end", () => this.#events.onHangUp());
    this.#input.on("error", () => this.#events.onHangUp());
    this.#output.on("error", () => this.#events.onHangUp());
    this.#output.on("resize", () => {
      this.repaint();
      this.#events.onResize();
    });
    process.once("exit", () => this.close());
    // Before Node writes the error, so that the person can read it.
    process.once("uncaughtExceptionMonitor", () => this.close());
    process.on("SIGTSTP", this.#suspendAlone);
    process.on("SIGCONT", () => this.open());
    this.open();
  }

  open(): void {
    if (this.#isOpen) return;
    this.#isOpen = true;
    this.#input.setRawMode(true);
    this.#input.resume();
    this.#write(OPEN);
    this.repaint();
    this.#events.onResize();
  }

  /** Gives the terminal back. It is synchronous, because the process may be about to end. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    try {
      this.#input.setRawMode(false);
      this.#input.pause();
    } catch {
      // The terminal has gone.
    }
    this.#write(CLOSE);
  }

  readonly #suspendAlone = (): void => this.#stop(process.pid);

  /** Stops the programs of the terminal, as Ctrl-Z does. SIGCONT continues. */
  suspend(): void {
    this.#stop(0);
  }

  /** @param target a process id; 0 for all processes of the terminal's foreground */
  #stop(target: number): void {
    this.close();
    process.off("SIGTSTP", this.#suspendAlone);
    process.once("SIGCONT", () => process.on("SIGTSTP", this.#suspendAlone));
    process.kill(target, "SIGTSTP");
  }

  /** Makes the next frame write every line. */
  repaint(): void {
    this.#lines = [];
  }

  /** Shows the lines, one for each row of the terminal. */
  draw(lines: readonly string[]): void {
    if (!this.#isOpen || this.#output.writableLength > UNTAKEN_BYTES_MAX) return;
    const changed = lines.map((line, at) => (line === this.#lines[at] ? "" : `\u001b[${at + 1};1H\u001b[2K${line}`));
    this.#lines = lines;
    const text = changed.join("");
    if (text !== "") this.#output.write(text);
  }

  #write(text: string): void {
    try {
      writeSync(STDOUT, text);
    } catch {
      // The terminal has gone, or is full and will be repainted.
    }
  }
}

interface KeyInfo {
  readonly name: string;
  readonly ctrl: boolean;
  readonly shift: boolean;
}
