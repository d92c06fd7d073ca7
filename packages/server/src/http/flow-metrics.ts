/** The figures of durable work: how much there is and in what state, and what this worker has done. */
import { Counter, Gauge, type Registry } from 'prom-client';
import type { FlowFigures } from '../flows/figures.ts';
import type { FlowView } from '../flows/flow-state.ts';

/** Read when the figures are asked for. */
export interface FlowSources {
  /** Flows that have not ended. */
  readonly open: () => Promise<readonly FlowView[]>;
  /** null: this process is no worker. */
  readonly figures: () => FlowFigures | null;
}

export function countFlows(sources: FlowSources, registers: Registry[]): void {
  new Gauge({
    name: 'tintype_flows',
    help: 'Durable work that has not ended, by state, in the whole cloud',
    labelNames: ['state'],
    registers,
    async collect() {
      for (const state of ['waiting', 'running', 'stalled']) this.set({ state }, 0);
      const open = await sources.open().catch(() => null);
      // Without the database nothing is known, which is not nothing.
      if (open === null) this.reset();
      for (const { state } of open ?? []) this.inc({ state });
    },
  });
  new Counter({
    name: 'tintype_flow_attempts_total',
    help: 'Attempts at steps of durable work by this worker, by how they ended',
    labelNames: ['outcome'],
    registers,
    collect() {
      this.reset();
      const figures = sources.figures();
      for (const [outcome, count] of Object.entries(figures?.attempts ?? {})) this.inc({ outcome }, count);
    },
  });
  new Counter({
    name: 'tintype_flows_ended_total',
    help: 'Durable work that ended on this worker, by flow and state',
    labelNames: ['flow', 'state'],
    registers,
    collect() {
      this.reset();
      for (const { flow, state, count } of sources.figures()?.flows.values() ?? [])
        this.inc({ flow, state }, count);
    },
  });
}
