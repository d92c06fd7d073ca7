/** `tintype token create|list|revoke`: the tokens of a server in identity mode "tokens". */
import { type Command, Option } from 'commander';
import { parseExpiry } from '../amounts.ts';
import { collect } from '../attributes.ts';
import { printFields, printJson, printLine, printTable } from '../output.ts';
import { addServerOptions, loadServer, serverOptions } from '../server-parts.ts';
import { readSettings } from '../settings.ts';

interface CreateOptions {
  project?: string;
  user: string;
  role: string[];
  expires?: string;
}

export function addToken(parent: Command): void {
  const token = parent.command('token').helpCommand(false).description("look after the server's tokens");
  addServerOptions(token.command('create').description('make a token; it is shown once'))
    .requiredOption('--user <user>', 'user it stands for')
    .option('--project <project>', 'project it works in')
    .addOption(
      new Option('--role <role>', 'reader, member or admin (repeatable)')
        .argParser(collect)
        .makeOptionMandatory(),
    )
    .option('--expires <when>', 'a duration such as 12h or 30d, or a date; never unless given')
    .action(create);
  addServerOptions(token.command('list').description('list the tokens, without their secrets')).action(list);
  addServerOptions(token.command('revoke').description('refuse a token from now on'))
    .argument('<id>', 'id of the token')
    .action(revoke);
}

async function create(options: CreateOptions, command: Command): Promise<void> {
  const expiresAt = options.expires === undefined ? null : parseExpiry(options.expires, new Date());
  const { createToken } = await loadServer();
  const input = { project: options.project ?? null, user: options.user, roles: options.role, expiresAt };
  const { id, token } = await createToken(serverOptions(command), input);
  const { json, quiet } = readSettings(command);
  if (json) return printJson({ id, token, ...input });
  if (quiet) return printLine(token);
  printFields([
    ['id', id],
    ['token', token],
    ['user', input.user],
    ['project', input.project ?? ''],
    ['roles', input.roles.join(', ')],
    ['expires', expiresAt?.toISOString() ?? 'never'],
  ]);
}

async function list(_: object, command: Command): Promise<void> {
  const { listTokens } = await loadServer();
  const tokens = await listTokens(serverOptions(command));
  const { json, quiet } = readSettings(command);
  if (json) return printJson(tokens);
  if (quiet) {
    for (const { id } of tokens) printLine(id);
    return;
  }
  const now = new Date();
  const rows = tokens.map(({ id, user, project, roles, createdAt, expiresAt, revokedAt }) => [
    id,
    user,
    project ?? '',
    roles.join(','),
    createdAt.toISOString(),
    expiresAt?.toISOString() ?? 'never',
    revokedAt !== null ? 'revoked' : expiresAt !== null && expiresAt <= now ? 'expired' : 'good',
  ]);
  printTable(['ID', 'USER', 'PROJECT', 'ROLES', 'CREATED', 'EXPIRES', 'STATE'], rows);
}

async function revoke(id: string, _: object, command: Command): Promise<void> {
  const { revokeToken } = await loadServer();
  await revokeToken(serverOptions(command), id);
  const { json, quiet } = readSettings(command);
  if (json) printJson({ revoked: id });
  else if (!quiet) printLine(`revoked ${id}`);
}
