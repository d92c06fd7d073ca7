/** The outcomes of the pieces of one run: those recorded by earlier runs are replayed, those of this one recorded. */
import type { Database } from '../database/connect.ts';
import type { Run } from './attempt-records.ts';
import type { Dbos } from './dbos.ts';
import { isRecorded, type NewPiece, piecesOf, recordPiece, type StoredPiece } from './piece-records.ts';
import type { StepOutcome } from './run-flow.ts';

type Serializer = NonNullable<Dbos['internal']['DBOSExecutor']['globalInstance']>['serializer'];

/** Where a piece has its record. */
export interface Place {
  /** Among the records of its flow, in the order in which the run asks for them. */
  readonly number: number;
  readonly name: string;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
}

/** The records of a flow are not those that this release would have made: another one has begun it. */
export class StrangeRecords extends Error {
  constructor(flow: string, place: number, found: string, expected: string) {
    super(`${found} was recorded at ${place} of flow ${flow}, not ${expected}.`);
    this.name = 'StrangeRecords';
  }
}

export class Ledger {
  readonly #database: Database;
  readonly #run: Run;
  readonly #dbos: Dbos;
  readonly #serializer: Serializer;
  #stored: ReadonlyMap<number, StoredPiece> | null = null;

  /** `serializer`: that of the engine's executor. */
  constructor(database: Database, run: Run, dbos: Dbos, serializer: Serializer) {
    this.#database = database;
    this.#run = run;
    this.#dbos = dbos;
    this.#serializer = serializer;
  }

  /**
   * The outcome recorded at this place, if there is one. Read once: nobody but this run adds to the records of its flow as long as
   * it has that. Fails when another piece is recorded there.
   */
  async find({ number, name }: Place): Promise<StepOutcome | undefined> {
    this.#stored ??= new Map(
      (await piecesOf(this.#database.db, this.#run.flow)).map((piece) => [piece.place, piece]),
    );
    const stored = this.#stored.get(number);
    if (stored === undefined) return undefined;
    if (stored.name !== name) throw new StrangeRecords(this.#run.flow, number, stored.name, name);
    const { DBOSExecutor } = this.#dbos.internal;
    return await DBOSExecutor.reviveResultOrError<StepOutcome>(stored, this.#serializer);
  }

  /** `attempt`: that which did the work, if there is one; it ends with the record. */
  async entry(
    { number, name, startedAt }: Place,
    outcome: StepOutcome,
    attempt: string | null,
  ): Promise<Entry> {
    const serializer = this.#serializer;
    const output = await serializer.stringify(outcome);
    const outcomeKept = (await serializer.parse(output)) as StepOutcome;
    const serialization = serializer.name();
    const piece: NewPiece = { place: number, name, output, serialization, startedAt, endedAt: Date.now() };
    return new Entry(this.#database, this.#run, piece, attempt, outcomeKept);
  }
}

/** What is to be recorded. */
export class Entry {
  /** As it will be replayed. */
  readonly outcome: StepOutcome;
  readonly #database: Database;
  readonly #run: Run;
  readonly #piece: NewPiece;
  readonly #attempt: string | null;
  #mayBeThere = false;

  constructor(database: Database, run: Run, piece: NewPiece, attempt: string | null, outcome: StepOutcome) {
    this.#database = database;
    this.#run = run;
    this.#piece = piece;
    this.#attempt = attempt;
    this.outcome = outcome;
  }

  /** May be repeated when the answer was lost. False when the run has lost its flow, or somebody else has ended the attempt. */
  async write(): Promise<boolean> {
    const { db } = this.#database;
    const isRepeated = this.#mayBeThere;
    this.#mayBeThere = true;
    if (await recordPiece(db, this.#run, this.#piece, this.#attempt)) return true;
    return isRepeated && (await isRecorded(db, this.#run, this.#piece));
  }
}
