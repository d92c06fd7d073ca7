/** What a worker has done since it started, for the metrics. */

export class FlowFigures {
  readonly attempts = { done: 0, failed: 0 };
  /** By flow and how it ended. */
  readonly flows = new Map<string, { readonly flow: string; readonly state: string; count: number }>();

  attempt(state: 'done' | 'failed'): void {
    this.attempts[state] += 1;
  }

  ended(flow: string, state: string): void {
    const key = `${flow} ${state}`;
    const entry = this.flows.get(key) ?? { flow, state, count: 0 };
    entry.count += 1;
    this.flows.set(key, entry);
  }
}
