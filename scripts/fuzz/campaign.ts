/** Tries changed inputs on a target, and keeps those that make code run which none before made run. */
import type { Chance } from './chance.ts';
import { Coverage } from './coverage.ts';
import { mutate } from './mutate.ts';

export interface CampaignOptions {
  readonly seeds: readonly Buffer[];
  /** Fails when something is wrong with what it is tried on. */
  readonly target: (input: Buffer, chance: Chance) => unknown;
  /** The files whose blocks are counted, by their address. */
  readonly isCounted: (url: string) => boolean;
  readonly chance: Chance;
  /** Inputs longer than this are cut. */
  readonly longest: number;
  /** Makes a changed input plausible, in place. */
  readonly repair?: (input: Buffer) => void;
  /** Asked after every batch. */
  readonly isOver: (progress: Progress) => boolean;
}

export interface Finding {
  readonly input: Buffer;
  readonly error: unknown;
}

export interface Progress {
  readonly executions: number;
  /** Inputs that are changed further. */
  readonly inputs: number;
  readonly blocks: number;
  readonly findings: readonly Finding[];
}

const batchSize = 16;
/** Of one kind there may be very many. */
const mostFindings = 20;

export async function runCampaign(options: CampaignOptions): Promise<Progress> {
  using coverage = new Coverage(options.isCounted);
  const campaign = new Campaign(options, coverage);
  await campaign.tryAll([...options.seeds]);
  while (!options.isOver(campaign.progress) && campaign.progress.findings.length < mostFindings)
    await campaign.tryAll(Array.from({ length: batchSize }, () => campaign.next()));
  return campaign.progress;
}

class Campaign {
  readonly #options: CampaignOptions;
  readonly #coverage: Coverage;
  readonly #inputs: Buffer[] = [];
  readonly #blocks = new Set<string>();
  readonly #findings: Finding[] = [];
  #executions = 0;

  constructor(options: CampaignOptions, coverage: Coverage) {
    this.#options = options;
    this.#coverage = coverage;
  }

  get progress(): Progress {
    const { length: inputs } = this.#inputs;
    return { executions: this.#executions, inputs, blocks: this.#blocks.size, findings: this.#findings };
  }

  /** The newest inputs have shown the newest code, and are changed more often. */
  next(): Buffer {
    const { chance, longest, repair, seeds } = this.#options;
    const known = this.#inputs.length === 0 ? seeds : this.#inputs;
    const newest = known.slice(-10);
    const input = mutate(chance.pick(chance.below(3) === 0 ? newest : known), chance, known).subarray(
      0,
      longest,
    );
    if (chance.below(4) > 0) repair?.(input);
    return input;
  }

  /** Asking for coverage is slow: it is asked for the batch, and for its inputs only if that has something new. */
  async tryAll(inputs: readonly Buffer[]): Promise<void> {
    this.#coverage.take();
    for (const input of inputs) await this.#try(input, true);
    if (!this.#hasNews()) return;
    for (const input of inputs) {
      await this.#try(input, false);
      const ran = this.#coverage.take();
      const size = this.#blocks.size;
      for (const block of ran) this.#blocks.add(block);
      if (this.#blocks.size > size) this.#inputs.push(input);
    }
  }

  #hasNews(): boolean {
    for (const block of this.#coverage.take()) if (!this.#blocks.has(block)) return true;
    return false;
  }

  async #try(input: Buffer, isFirst: boolean): Promise<void> {
    this.#executions += 1;
    try {
      await this.#options.target(input, this.#options.chance);
    } catch (error) {
      if (isFirst) this.#findings.push({ input, error });
    }
  }
}
