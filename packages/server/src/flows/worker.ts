/** A worker: takes up flows and runs them, tells that it lives, and gives everything back when it stops. */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import type { Log } from '../base/log.ts';
import type { Database } from '../database/connect.ts';
import type { Session } from '../database/session.ts';
import { notifyIn } from '../database/topics.ts';
import { type Attempt, RunOver } from './attempt.ts';
import type { Run } from './attempt-records.ts';
import { Claims, type Limits } from './claims.ts';
import { applicationName, engineSchema, flowVersion, noAddress } from './dbos.ts';
import { type Engine, flowsWaiting } from './engine.ts';
import { FlowFigures } from './figures.ts';
import type { AnyFlow, Flow, FlowOutcome, Json } from './flow.ts';
import { flowsCancelled } from './flow-cancel.ts';
import { forgetFields } from './flow-records.ts';
import { Heart } from './heart.ts';
import { Ledger, StrangeRecords } from './ledger.ts';
import { runFlow } from './run-flow.ts';
import { type PieceParts, runPiece, throughOutages } from './run-piece.ts';
import { type Periodic, Schedule } from './schedule.ts';
import type { FlowSeams } from './seams.ts';
import { deleteWorker, insertWorker, releaseFlows } from './worker-records.ts';

export interface WorkerParts {
  readonly engine: Engine;
  readonly database: Database;
  readonly session: Session;
  readonly log: Log;
  readonly flows: readonly AnyFlow[];
  readonly periodic: readonly Periodic[];
  readonly limits: Limits;
  /** Milliseconds without progress after which an attempt is ended. */
  readonly stallMs: number;
  readonly seams?: FlowSeams;
}

/** Of a flow that more workers die of, between its steps: those are counted by themselves. */
const mostRecoveries = 50;
const usualBeatMs = 2000;
/** Milliseconds that work which was told to end gets to do so. */
const usualEndingMs = 10_000;

export class FlowWorker {
  readonly figures = new FlowFigures();
  readonly #parts: WorkerParts;
  readonly #closed = new AbortController();
  readonly #running = new Set<Attempt>();
  readonly #unsubscribe: (() => void)[] = [];
  #id = randomUUID() as string;
  #claims!: Claims;
  #heart!: Heart;
  #stopping = false;
  #closing: Promise<void> | undefined;

  constructor(parts: WorkerParts) {
    this.#parts = parts;
  }

  async open(): Promise<void> {
    const { engine, database, session, log, limits, seams = {} } = this.#parts;
    const { DBOS, internal } = engine.dbos;
    await this.#enroll();
    DBOS.setConfig({
      name: applicationName,
      systemDatabaseUrl: noAddress,
      systemDatabasePool: engine.pool,
      systemDatabaseSchemaName: engineSchema,
      applicationVersion: flowVersion,
      executorID: this.#id,
      enablePatching: true,
      runMigrations: false,
      useListenNotify: false,
      schedulerPollingIntervalMs: 24 * 3600 * 1000,
      logger: engine.logger,
    });
    for (const flow of this.#parts.flows) this.#register(flow as unknown as Flow<{ [key: string]: Json }>);
    await DBOS.launch();
    // Flows are taken up by `claims.ts`: at once when one is started, and with few questions while there is none.
    internal.wfQueueRunner.stop();
    const executor = internal.DBOSExecutor.globalInstance!;
    this.#claims = new Claims({
      executor,
      database,
      log,
      limits,
      workerId: () => this.#id,
      mayClaim: () => !this.#stopping && (seams.mayClaim?.() ?? true),
    });
    this.#heart = new Heart({
      database,
      session,
      log,
      beatMs: seams.beatMs ?? usualBeatMs,
      workerId: () => this.#id,
      running: this.#running,
      recover: (workers) => executor.recoverPendingWorkflows(workers),
      schedule: new Schedule(database, engine, this.#parts.periodic),
      judgedDead: () => this.#begin(),
      beaten: () => this.#claims.nudge(),
    });
    this.#unsubscribe.push(
      session.on(flowsWaiting, () => this.#claims.nudge()),
      session.on(flowsCancelled, ({ flows }) => this.#cancel(flows as string[])),
    );
    this.#heart.start();
    this.#claims.nudge();
  }

  /** Flows that this worker has in hand. */
  get busy(): number {
    return this.#claims.inHand.size;
  }

  /** Lets the steps under way finish for a while, then gives every flow back to the queue for others. */
  close(graceMs: number): Promise<void> {
    this.#closing ??= this.#close(graceMs);
    return this.#closing;
  }

  async #close(graceMs: number): Promise<void> {
    const { engine, database, log } = this.#parts;
    this.#stopping = true;
    for (const leave of this.#unsubscribe) leave();
    await this.#claims.stop();
    await this.#idle(graceMs);
    await this.#heart.stop();
    try {
      await releaseFlows(database, this.#id, null);
    } catch (err) {
      log.warn({ err }, 'flows could not be given back: others take them up');
    }
    for (const attempt of this.#running) attempt.end(new RunOver());
    await this.#idle(this.#parts.seams?.endingMs ?? usualEndingMs);
    this.#closed.abort();
    await engine.dbos.DBOS.shutdown({ workflowCompletionTimeoutMS: 1000 });
    await deleteWorker(database, this.#id).catch((err) => log.warn({ err }, 'a worker could not sign off'));
    await notifyIn(database.db, flowsWaiting).catch(() => {});
  }

  async #enroll(): Promise<void> {
    const { database, session } = this.#parts;
    const process_ = { process: session.processNumber, host: hostname(), pid: process.pid };
    await insertWorker(database, { id: this.#id, ...process_ });
  }

  /** Another worker has judged us dead: what we had in hand is over, and we begin as somebody else. */
  async #begin(): Promise<void> {
    this.#parts.log.warn({ worker: this.#id }, 'this worker was judged dead: it begins anew');
    for (const attempt of this.#running) attempt.end(new RunOver());
    this.#id = randomUUID();
    await this.#enroll();
  }

  #cancel(flows: readonly string[]): void {
    for (const attempt of this.#running) if (flows.includes(attempt.facts.flow)) attempt.cancel();
  }

  async #idle(atMostMs: number): Promise<void> {
    const end = performance.now() + atMostMs;
    while (this.busy > 0 && performance.now() < end) await delay(20);
  }

  #register(flow: Flow<{ [key: string]: Json }>): void {
    const { DBOS, internal } = this.#parts.engine.dbos;
    const run = async (input: { [key: string]: Json }): Promise<FlowOutcome> => {
      const id = DBOS.workflowID!;
      const owner = internal.getCurrentContextStore()!.ownerXid!;
      const worker = this.#claims.inHand.get(id) ?? this.#id;
      try {
        return await this.#run(flow, input, { flow: id, owner, worker });
      } finally {
        this.#claims.ended(id);
      }
    };
    DBOS.registerWorkflow(run, { name: flow.name, maxRecoveryAttempts: mostRecoveries });
  }

  async #run<Input>(flow: Flow<Input>, input: Input, run: Run): Promise<FlowOutcome> {
    const { DBOS, DBOSWorkflowConflictError, internal } = this.#parts.engine.dbos;
    const over = () => new DBOSWorkflowConflictError(run.flow);
    const { database, log, stallMs, seams = {} } = this.#parts;
    const parts: PieceParts = {
      database,
      log,
      secrets: flow.secrets ?? [],
      running: this.#running,
      stallMs: seams.stallMs ?? stallMs,
      endingMs: seams.endingMs ?? usualEndingMs,
      seams,
      closed: this.#closed.signal,
      tell: (state) => this.figures.attempt(state),
    };
    const { serializer } = internal.DBOSExecutor.globalInstance!;
    const ledger = new Ledger(database, run, this.#parts.engine.dbos, serializer);
    const outcome = await runFlow(
      {
        changed: (change) => DBOS.patch(change),
        runPiece: async (piece, before) => {
          if (this.#stopping) {
            await releaseFlows(database, run.worker, run.flow).catch(() => {});
            throw over();
          }
          const place = {
            number: internal.functionIDGetIncrement(),
            name: piece.record,
            startedAt: Date.now(),
          };
          return await runPiece(parts, run, piece, before, { ledger, place }).catch(
            async (error: unknown) => {
              if (error instanceof StrangeRecords)
                await throughOutages(parts, () => this.#claims.giveBack(run.flow, run.worker));
              throw error instanceof RunOver || error instanceof StrangeRecords ? over() : error;
            },
          );
        },
      },
      flow,
      input,
    );
    await this.#forget(parts, run, outcome).catch((error: unknown) => {
      throw error instanceof RunOver ? over() : error;
    });
    this.figures.ended(flow.name, outcome.state);
    return outcome;
  }

  /** A flow that can be retried keeps its secrets until it is, or is forgotten itself. */
  async #forget(parts: PieceParts, { flow }: Run, outcome: FlowOutcome): Promise<void> {
    const isResumable = outcome.state === 'failed' && outcome.retryFrom !== null;
    if (isResumable || parts.secrets.length === 0) return;
    await throughOutages(parts, () => forgetFields(parts.database.db, flow, parts.secrets));
  }
}

/** After `migrateEngine`. */
export async function startWorker(parts: WorkerParts): Promise<FlowWorker> {
  const worker = new FlowWorker(parts);
  await worker.open();
  return worker;
}
