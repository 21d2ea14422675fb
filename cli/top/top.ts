/**
 * Implements `top`, a live screen of agents, leases, tasks, events and refusals. board.ts sends the requests, and
 * screen.ts controls the terminal. The modules data.ts, model.ts, controls.ts and layout.ts are pure. Runs in the CLI
 * process.
 */
import type { Args, CommandContext } from "../command-row.js";
import { escapeHidden } from "../../schemas/visible-text.js";
import { CliFailure, wrongUsage } from "../failure.js";
import { droppedOutput, io, setIoProvider } from "../io.js";
import { print } from "../output.js";
import { serversOf, type Settings } from "../settings.js";
import { captureSignals, exitCodeOfSignal, type EndingSignal } from "../signals.js";
import { Board } from "./board.js";
import { press, scroll, startControls, type Controls, type Key } from "./controls.js";
import { VIEW_NAMES, type ViewName } from "./data.js";
import { drawScreen, drawText, makePaint, pageOf, type LinkShown, type Scene } from "./layout.js";
import { makeView } from "./model.js";
import { arrange } from "./rows.js";
import { Screen } from "./screen.js";

/** The interval at which the screen is drawn again. Durations on it, such as `12s`, change without any event. */
const TICK_MS = 1_000;
/** The delay before a change is drawn, so that changes that come together are drawn together. */
const DRAW_MS = 50;

function isViewName(name: string): name is ViewName {
  return VIEW_NAMES.some((one) => one === name);
}

function linkOf(settings: Settings, trouble: string): LinkShown {
  const server = serversOf(settings)
    .map(({ origin }) => origin)
    .join(",");
  return { server, trouble: escapeHidden(trouble) };
}

function sceneOf(controls: Controls, board: Board, settings: Settings, nowMs: number): Scene {
  const view = makeView(controls.view, board.data, nowMs);
  const rows = arrange(view, controls.filter, controls.sorting[controls.view]);
  return { controls, view, rows, data: board.data, link: linkOf(settings, board.trouble) };
}

/** Prints one frame as text. On a terminal, its lines are shortened to the terminal's width. */
async function printOnce(settings: Settings, view: ViewName): Promise<CliFailure | 0> {
  const board = new Board(settings, view, new AbortController().signal, () => undefined);
  const failure = await board.askOnce();
  if (failure !== undefined) return failure;
  const scene = sceneOf(startControls(view), board, settings, Date.now());
  const room = io().isTerminal() ? process.stdout.columns : Number.MAX_SAFE_INTEGER;
  return (await print(Buffer.from(drawText(scene, room)))) ?? 0;
}

/** The live screen. A key or a signal ends it. */
class LiveTop {
  readonly #settings: Settings;
  readonly #stop = new AbortController();
  readonly #board: Board;
  readonly #screen: Screen;
  readonly #paint = makePaint(!io().environment["NO_COLOR"]);
  #controls: Controls;
  #nowMs = Date.now();
  #drawing: NodeJS.Timeout | undefined;

  constructor(settings: Settings, view: ViewName) {
    this.#settings = settings;
    this.#controls = startControls(view);
    this.#board = new Board(settings, view, this.#stop.signal, () => this.#drawSoon());
    this.#screen = new Screen(process.stdin, process.stdout, {
      onKey: (key) => this.#press(key),
      onResize: () => this.#draw(),
      onHangUp: () => this.#stop.abort(),
    });
  }

  async run(): Promise<number> {
    let stoppedBy: EndingSignal | undefined;
    const restoreSignals = captureSignals((signal) => {
      stoppedBy = signal;
      this.#stop.abort();
    });
    const tick = setInterval(() => this.#draw(), TICK_MS);
    try {
      await this.#screen.start();
      await this.#board.run();
    } finally {
      clearInterval(tick);
      clearTimeout(this.#drawing);
      this.#screen.close();
      restoreSignals();
    }
    // Ctrl-C is a normal way to quit, as for a subscription, so the exit code is 0.
    return stoppedBy === undefined || stoppedBy === "SIGINT" ? 0 : await exitCodeOfSignal(stoppedBy);
  }

  #scene(): Scene {
    if (!this.#controls.isPaused) this.#nowMs = Date.now();
    return sceneOf(this.#controls, this.#board, this.#settings, this.#nowMs);
  }

  #drawSoon(): void {
    if (this.#drawing !== undefined) return;
    this.#drawing = setTimeout(() => this.#draw(), DRAW_MS);
  }

  #draw(): void {
    clearTimeout(this.#drawing);
    this.#drawing = undefined;
    const scene = this.#scene();
    const { size } = this.#screen;
    this.#controls = scroll(this.#controls, { rows: scene.rows.length, page: pageOf(scene, size) });
    this.#screen.draw(drawScreen({ ...scene, controls: this.#controls }, size, this.#paint));
  }

  #press(key: Key): void {
    const scene = this.#scene();
    const shown = {
      rows: scene.rows.length,
      page: pageOf(scene, this.#screen.size),
      columns: scene.view.columns.length,
    };
    const [controls, action] = press(this.#controls, key, shown);
    this.#controls = controls;
    if (action === "quit") return this.#stop.abort();
    if (action === "suspend") return this.#screen.suspend();
    if (action === "repaint") this.#screen.repaint();
    this.#board.show(controls.view, controls.isPaused);
    this.#draw();
  }
}

/** Shows the live screen until the user quits. With `--once`, prints one frame. */
export async function top(args: Args, context: CommandContext): Promise<number | CliFailure> {
  const view = args.text("view") ?? "agents";
  if (!isViewName(view)) return wrongUsage(`there is no view "${view}", only ${VIEW_NAMES.join(", ")}`);
  const isLive = !args.has("once");
  const { TERM } = io().environment;
  if (isLive && (!io().isTerminal() || !process.stdin.isTTY || TERM === "dumb"))
    return wrongUsage(
      `${context.program} top needs a terminal`,
      `for one frame as text: ${context.program} top --once`,
    );
  const settings = context.settings();
  if (settings instanceof CliFailure) return settings;
  if (!isLive) return await printOnce(settings, view);
  // Warnings would be written into the screen, so they are dropped. The screen shows problems itself.
  const live = { ...io(), stderr: droppedOutput };
  setIoProvider(() => live);
  return await new LiveTop(settings, view).run();
}
