/** `tintype flow list|show|retry|cancel`: the durable work of the servers on a database. */
import { type Command, InvalidArgumentError } from 'commander';
import { printFields, printJson, printLine, printTable } from '../output.ts';
import { addServerOptions, loadServer, serverOptions } from '../server-parts.ts';
import { readSettings } from '../settings.ts';

type Flow = Awaited<ReturnType<Awaited<ReturnType<typeof loadServer>>['listFlows']>>[number];

function positive(text: string): number {
  if (!/^[1-9]\d{0,4}$/.test(text)) throw new InvalidArgumentError('It is not a number from 1 to 99999.');
  return Number(text);
}

export function addFlow(parent: Command): void {
  const flow = parent
    .command('flow')
    .helpCommand(false)
    .description('look after durable work: imports and what else outlives a request');
  addServerOptions(flow.command('list').description('list flows, the newest first'))
    .option('--open', 'only those that have not ended, the oldest first')
    .option('--limit <count>', 'at most so many', positive, 50)
    .action(list);
  addServerOptions(flow.command('show').description('show a flow with every attempt at its steps'))
    .argument('<id>', 'id of the flow')
    .action(show);
  addServerOptions(flow.command('retry').description('let a flow that failed go on at the step that failed'))
    .argument('<id>', 'id of the flow')
    .action(retry);
  addServerOptions(flow.command('cancel').description('end a flow: what it has done is taken back'))
    .argument('<id>', 'id of the flow')
    .action(cancel);
}

function stateOf({ state, stalled, resumable, cancelRequested }: Flow): string {
  if (stalled !== null) return `${state} (${stalled})`;
  if (resumable) return `${state} (resumable)`;
  return cancelRequested && (state === 'waiting' || state === 'running') ? `${state} (ending)` : state;
}

function progressOf({ done, total }: { done: number | null; total: number | null }): string {
  if (done === null) return '';
  return total === null ? String(done) : `${done} of ${total}`;
}

async function list(options: { open?: true; limit: number }, command: Command): Promise<void> {
  const { listFlows } = await loadServer();
  const input = { limit: options.limit, open: options.open === true };
  const flows = await listFlows(serverOptions(command), input);
  const { json, quiet } = readSettings(command);
  if (json) return printJson(flows);
  if (quiet) {
    for (const { id } of flows) printLine(id);
    return;
  }
  const rows = flows.map((flow) => [
    flow.id,
    flow.name,
    stateOf(flow),
    flow.step ?? '',
    progressOf(flow),
    flow.project ?? '',
    flow.createdAt.toISOString(),
  ]);
  printTable(['ID', 'FLOW', 'STATE', 'STEP', 'DONE', 'PROJECT', 'STARTED'], rows);
}

async function show(id: string, _: object, command: Command): Promise<void> {
  const { showFlow } = await loadServer();
  const flow = await showFlow(serverOptions(command), id);
  if (readSettings(command).json) return printJson(flow);
  printFields([
    ['id', flow.id],
    ['flow', flow.name],
    ['state', stateOf(flow)],
    ['project', flow.project ?? ''],
    ['works on', flow.subject ?? ''],
    ['started', flow.createdAt.toISOString()],
    ['ended', flow.endedAt?.toISOString() ?? ''],
    ...(flow.failure === null
      ? []
      : ([['failure', `${flow.failure.code} at ${flow.failure.step}: ${flow.failure.message}`]] as const)),
  ]);
  if (flow.attempts.length === 0) return;
  printLine('');
  const rows = flow.attempts.map((attempt) => [
    attempt.step,
    String(attempt.number),
    attempt.state,
    progressOf(attempt),
    attempt.started_at.toISOString(),
    attempt.message ?? '',
  ]);
  printTable(['STEP', 'ATTEMPT', 'STATE', 'DONE', 'STARTED', 'MESSAGE'], rows);
}

async function retry(id: string, _: object, command: Command): Promise<void> {
  const { retryFlow } = await loadServer();
  await retryFlow(serverOptions(command), id);
  say(command, { retried: id }, `flow ${id} waits for a worker`);
}

async function cancel(id: string, _: object, command: Command): Promise<void> {
  const { cancelFlow } = await loadServer();
  await cancelFlow(serverOptions(command), id);
  say(command, { cancelled: id }, `flow ${id} is told to end`);
}

function say(command: Command, value: object, text: string): void {
  const { json, quiet } = readSettings(command);
  if (json) printJson(value);
  else if (!quiet) printLine(text);
}
