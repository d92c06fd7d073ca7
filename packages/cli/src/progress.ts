/** Tells how far a transfer is: a bar on a terminal, a line now and then elsewhere. */
import { formatBytes, formatRate, formatSeconds } from './amounts.ts';

interface Screen {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

export interface ProgressOptions {
  /** `uploading jammy.qcow2` */
  readonly label: string;
  /** Bytes; null when unknown. */
  readonly total: number | null;
  /** Where to draw; null for nowhere. */
  readonly screen: Screen | null;
  /** Milliseconds; any steady clock. */
  readonly now?: () => number;
}

const redrawMs = 100;
const lineMs = 5000;
const fastestLineMs = 1000;
/** The rate is that of the last seconds. */
const windowMs = 5000;
const widestBar = 24;
const narrowestBar = 8;

export class ProgressDisplay {
  readonly #options: ProgressOptions;
  readonly #now: () => number;
  readonly #startedAt: number;
  readonly #samples: { at: number; bytes: number }[];
  #shownAt: number;
  #shownTenth = 0;
  #bytes = 0;

  constructor(options: ProgressOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    this.#startedAt = this.#now();
    this.#shownAt = this.#startedAt;
    this.#samples = [{ at: this.#startedAt, bytes: 0 }];
  }

  update(bytes: number): void {
    const { screen, total } = this.#options;
    this.#bytes = bytes;
    if (screen === null) return;
    const at = this.#now();
    const since = at - this.#shownAt;
    const tenth = total === null || total === 0 ? 0 : Math.floor((bytes * 10) / total);
    const due = screen.isTTY
      ? since >= redrawMs
      : since >= lineMs || (tenth > this.#shownTenth && since >= fastestLineMs);
    if (!due) return;
    this.#shownAt = at;
    this.#shownTenth = tenth;
    this.#samples.push({ at, bytes });
    while (this.#samples.length > 2 && at - this.#samples[1]!.at > windowMs) this.#samples.shift();
    if (screen.isTTY) screen.write(`\r${this.#bar()}\x1b[K`);
    else screen.write(`${this.#options.label}: ${this.#figures()}\n`);
  }

  /** Ends with the sum of it. */
  done(): void {
    const seconds = (this.#now() - this.#startedAt) / 1000;
    const rate = formatRate(this.#bytes / Math.max(seconds, 0.001));
    this.#end(`${this.#options.label}: ${formatBytes(this.#bytes)} in ${seconds.toFixed(1)} s (${rate})\n`);
  }

  /** Takes the bar away so that an error can be told. */
  stop(): void {
    this.#end('');
  }

  #end(text: string): void {
    const { screen } = this.#options;
    screen?.write(screen.isTTY ? `\r\x1b[K${text}` : text);
  }

  /** The figures first of all, then the label, then the bar, as far as there is room. */
  #bar(): string {
    const { label, total, screen } = this.#options;
    const figures = this.#figures();
    const columns = (screen?.columns || 80) - 1;
    const room = columns - figures.length - 1;
    const name = label.length <= room ? label : `${label.slice(0, Math.max(room - 1, 0))}…`;
    const width = total === null || total === 0 ? 0 : Math.min(widestBar, room - name.length - 3);
    const filled = Math.min(width, Math.floor((this.#bytes / (total ?? 1)) * width));
    const bar = width < narrowestBar ? '' : ` [${'#'.repeat(filled)}${'-'.repeat(width - filled)}]`;
    return `${name}${bar} ${figures}`.slice(0, columns);
  }

  #figures(): string {
    const { total } = this.#options;
    const first = this.#samples[0]!;
    const rate = (this.#bytes - first.bytes) / Math.max((this.#now() - first.at) / 1000, 0.001);
    if (total === null || total === 0) return `${formatBytes(this.#bytes)}, ${formatRate(rate)}`;
    const percent = `${Math.floor((this.#bytes * 100) / total)} %`;
    const left = rate > 0 ? `, ${formatSeconds((total - this.#bytes) / rate)} left` : '';
    return `${percent} of ${formatBytes(total)}, ${formatRate(rate)}${left}`;
  }
}
