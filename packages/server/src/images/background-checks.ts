/** The reading of new locations in the background, as the verbs and upkeep know it. */

export interface BackgroundChecks {
  /** Looks for locations to read, now or as soon as others are done. Never throws. */
  wake(): void;
  /** Takes back what dead processes had, and what this one could not end; resolves with how many. */
  recover(): Promise<number>;
  /** Resolves once nothing is being read. */
  idle(): Promise<void>;
  /** Ends reading the data of an image that was deleted. */
  abortImage(imageId: string): void;
  /** What is being read is left for the next process. */
  close(): Promise<void>;
}
