/** The figures of upkeep: how much of it this process has had to do. */
import { Counter, type Registry } from 'prom-client';

/** Job → how often. */
export type UpkeepSource = () => ReadonlyMap<string, number>;

export function countUpkeep(source: UpkeepSource, registers: Registry[]): void {
  new Counter({
    name: 'tintype_upkeep_total',
    help: 'Images given up or deleted and tasks forgotten by the upkeep of this process, by job',
    labelNames: ['job'],
    registers,
    collect() {
      this.reset();
      for (const [job, count] of source()) this.inc({ job }, count);
    },
  });
}
