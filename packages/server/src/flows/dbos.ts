/** DBOS Transact: one copy for each caller, since all its state is in its modules; one process may run several servers. */
import { createRequire } from 'node:module';
import type { DBOS, DBOSClient, DBOSWorkflowConflictError } from '@dbos-inc/dbos-sdk';
import type { functionIDGetIncrement, getCurrentContextStore } from '@dbos-inc/dbos-sdk/internal/context';
import type { DBOSExecutor } from '@dbos-inc/dbos-sdk/internal/dbos-executor';
import type { ensureSystemDatabase } from '@dbos-inc/dbos-sdk/internal/system_database';
import type { wfQueueRunner } from '@dbos-inc/dbos-sdk/internal/wfqueue';

const require = createRequire(import.meta.url);
const name = '@dbos-inc/dbos-sdk';

/** The parts that we use; those under `internal` are why its version is pinned. */
export interface Dbos {
  readonly DBOS: typeof DBOS;
  readonly DBOSClient: typeof DBOSClient;
  /** Thrown in a run that no longer owns its flow, it ends the run and records nothing. */
  readonly DBOSWorkflowConflictError: typeof DBOSWorkflowConflictError;
  readonly internal: {
    readonly DBOSExecutor: typeof DBOSExecutor;
    readonly ensureSystemDatabase: typeof ensureSystemDatabase;
    readonly wfQueueRunner: typeof wfQueueRunner;
    readonly getCurrentContextStore: typeof getCurrentContextStore;
    /** The number of the next record of the flow whose context this is. */
    readonly functionIDGetIncrement: typeof functionIDGetIncrement;
  };
}

export function loadDbos(): Dbos {
  for (const file of Object.keys(require.cache)) if (file.includes(`/${name}/`)) delete require.cache[file];
  const part = (file: string) => require(`${name}/internal/${file}`);
  return {
    ...require(name),
    internal: {
      ...part('dbos-executor'),
      ...part('system_database'),
      ...part('wfqueue'),
      ...part('context'),
    },
  };
}

/** Schema of its tables, in our database. */
export const engineSchema = 'tintype_engine';
/** Owner of its records: other applications of the same engine could share the schema. */
export const applicationName = 'tintype';
/** Flows run only on workers of the version they were started with: changes within it use `changed` of `Flow.steps`. */
export const flowVersion = '1';
/** The one queue: a part of it for each project. */
export const queueName = 'flows';
/** It insists on an address, but uses the pool that it is given. */
export const noAddress = 'postgresql://nobody:nothing@127.0.0.1/unused';
