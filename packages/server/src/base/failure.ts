/** The one error class: a code from the contract's list and a sentence a person can act on. */
import type { FailureCode } from '@tintype/contract';

export type { FailureCode };

export class Failure extends Error {
  readonly code: FailureCode;

  constructor(code: FailureCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'Failure';
    this.code = code;
  }
}

/** The failure itself, or `code` with `message` around whatever else was thrown. */
export function asFailure(thrown: unknown, code: FailureCode, message: string): Failure {
  return thrown instanceof Failure ? thrown : new Failure(code, message, { cause: thrown });
}
