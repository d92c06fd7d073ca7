/** A process that makes load or takes it: `node worker.ts JOB` writes its results as lines of JSON. */
import { answerAll } from './load/answer.ts';
import { type CallJob, callForAWhile } from './load/call.ts';
import { type ProbeJob, probeUntilStopped } from './load/probe.ts';
import { type SendJob, sendImage } from './load/send.ts';
import { sendForever } from './load/source.ts';
import { type TakeJob, takeBytes } from './load/take.ts';

export type Job =
  | ({ readonly work: 'call' } & CallJob)
  | ({ readonly work: 'probe' } & ProbeJob)
  | ({ readonly work: 'send' } & SendJob)
  | ({ readonly work: 'take' } & TakeJob)
  | { readonly work: 'source'; readonly bytes: number }
  | { readonly work: 'answer'; readonly bytes: number };

function run(job: Job): Promise<unknown> {
  switch (job.work) {
    case 'call':
      return callForAWhile(job);
    case 'probe':
      return probeUntilStopped(job);
    case 'send':
      return sendImage(job);
    case 'take':
      return takeBytes(job);
    case 'source':
      return sendForever(job.bytes);
    case 'answer':
      return answerAll(job.bytes);
  }
}

const result = await run(JSON.parse(process.argv[2] ?? '{}') as Job);
process.stdout.write(`${JSON.stringify(result)}\n`);
