/** Why a receiver of events may not have one. */

export class DeliveryError extends Error {
  /** Nobody is there: the event is as good as not tried, and the next would fare no better. */
  readonly isAway: boolean;

  constructor(message: string, isAway: boolean, options?: ErrorOptions) {
    super(message, options);
    this.name = 'DeliveryError';
    this.isAway = isAway;
  }
}
