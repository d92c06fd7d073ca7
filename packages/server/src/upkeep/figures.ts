/** What the upkeep of this process has done, counted since it started. */
export class UpkeepFigures {
  readonly done = new Map<string, number>();

  count(job: string): void {
    this.done.set(job, (this.done.get(job) ?? 0) + 1);
  }
}
