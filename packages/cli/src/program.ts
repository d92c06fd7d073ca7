/** The whole command tree. */
import { Command, Option } from 'commander';
import { addAction } from './commands/action.ts';
import { addCache } from './commands/cache.ts';
import { addCompletion } from './commands/completion.ts';
import { addConfig } from './commands/config.ts';
import { addDb } from './commands/db.ts';
import { addEvents } from './commands/events.ts';
import { addFlow } from './commands/flow.ts';
import { addImage } from './commands/image.ts';
import { addInspect } from './commands/inspect.ts';
import { addMetadef } from './commands/metadef.ts';
import { addPolicy } from './commands/policy.ts';
import { addServe } from './commands/serve.ts';
import { addStatus } from './commands/status.ts';
import { addToken } from './commands/token.ts';
import { addUpkeep } from './commands/upkeep.ts';
import { exitCodeMeanings } from './exit-codes.ts';
import { defaultEndpoint, defaultTokenFile } from './settings.ts';
import { version } from './version.ts';

/** Name, meaning. Used when the option of the same purpose is not given. */
export const environmentVariables: readonly [name: string, meaning: string][] = [
  ['TINTYPE_ENDPOINT', 'address of the server; then OS_IMAGE_ENDPOINT_OVERRIDE, then OS_ENDPOINT'],
  ['TINTYPE_TOKEN', 'the token; OS_TOKEN when no TINTYPE_ variable gives one'],
  ['TINTYPE_TOKEN_FILE', 'file with the token'],
  ['NODE_EXTRA_CA_CERTS', 'file with certificates of authorities to trust besides the well-known'],
];

/** Throws CommanderError instead of ending the process. */
export function createProgram(): Command {
  const program: Command = new Command('tintype');
  program
    .description('Image service for clouds: the server, and a client of any OpenStack Image API v2')
    .version(version(), '-V, --version', 'print the version')
    .option('--endpoint <url>', `address of the server; ${defaultEndpoint} unless given`)
    .option('--token <token>', 'token to send; other users of this machine can see it: prefer a file')
    .option(
      '--token-file <file>',
      `file with the token; ${defaultTokenFile} if it is there and the server is on this machine`,
    )
    .option('--json', 'print JSON on standard output, errors as JSON on standard error')
    .addOption(
      new Option('-q, --quiet', 'no progress and notes; of images and tokens the id only').conflicts('json'),
    )
    .option('--debug', 'print where errors come from')
    .helpOption('-h, --help', 'show help')
    .helpCommand(false)
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({ outputError: () => {} })
    .exitOverride()
    .addHelpText('afterAll', ({ command }) => (command === program ? helpEnd() : helpHint));
  const commands = [
    addServe,
    addImage,
    addAction,
    addEvents,
    addInspect,
    addStatus,
    addToken,
    addDb,
    addConfig,
    addPolicy,
    addMetadef,
    addCache,
    addFlow,
    addUpkeep,
  ];
  for (const add of [...commands, addCompletion]) add(program);
  return program;
}

const helpHint = '\nEnvironment and exit codes: tintype --help';

function helpEnd(): string {
  const rows = (entries: readonly (readonly [unknown, string])[]) => {
    const widest = Math.max(...entries.map(([name]) => String(name).length));
    return entries.map(([name, meaning]) => `  ${String(name).padEnd(widest)}  ${meaning}`).join('\n');
  };
  return `\nEnvironment:\n${rows(environmentVariables)}\n\nExit codes:\n${rows(exitCodeMeanings)}`;
}
