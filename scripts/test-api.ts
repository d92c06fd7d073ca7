/** `npm run test:api`: the black-box suite against the server of `--target`, or against one of its own. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { variables } from '../test/support/target.ts';

const usage = `usage: npm run test:api -- [--target URL] [--identity none|tokens|headers] [--reference] [part of a test file's path]…

  --identity   how the target knows its callers; none unless given
  --reference  the target is the reference implementation, from which the contract differs here and there

Tokens are read from the environment, as a command line can be seen by others:
  ${Object.entries(variables.tokens)
    .map(([role, name]) => `${name} (${role})`)
    .join('\n  ')}
`;

function readArguments() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        target: { type: 'string' },
        identity: { type: 'string', default: 'none' },
        reference: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n${usage}`);
    process.exit(2);
  }
}

const { values, positionals } = readArguments();
const { target } = values;
const env: NodeJS.ProcessEnv = { ...process.env };
if (target !== undefined) {
  env[variables.url] = target;
  env[variables.identity] = values.identity;
  if (values.reference) env[variables.reference] = '1';
}
const files = positionals.length === 0 ? ['test/api'] : positionals.map((part) => `test/api/*${part}*`);
const child = spawn(process.execPath, [join(import.meta.dirname, 'test.ts'), ...files], {
  env,
  stdio: 'inherit',
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal));
child.once('close', (code) => {
  process.exitCode = code ?? 1;
});
