/** `tintype image share|unshare|members|accept|reject`: images shared with other projects. */
import type { ImageClient, ImageMember, MemberStatus } from '@tintype/client';
import { Argument, type Command, Option } from 'commander';
import { imageArgument } from '../attributes.ts';
import { openCall } from '../call.ts';
import { UsageError } from '../command-error.ts';
import { printJson, printLine, printTable } from '../output.ts';
import type { Settings } from '../settings.ts';

export function addImageMembers(parent: Command): void {
  parent
    .command('share')
    .description('share an image with projects, which then accept or reject it')
    .addArgument(imageArgument())
    .argument('<project...>', 'ids of the projects')
    .action(async (nameOrId: string, projects: string[], _: object, command: Command) => {
      const { client, settings } = openCall(command);
      const { id } = await client.findImage(nameOrId);
      const members: ImageMember[] = [];
      for (const project of projects) members.push(await client.addMember(id, project));
      printMembers(members, settings);
    });
  parent
    .command('unshare')
    .description('stop sharing an image with projects')
    .addArgument(imageArgument())
    .argument('<project...>', 'ids of the projects')
    .action(async (nameOrId: string, projects: string[], _: object, command: Command) => {
      const { client, settings } = openCall(command);
      const { id } = await client.findImage(nameOrId);
      for (const project of projects) await client.removeMember(id, project);
      printMembers(await client.listMembers(id), settings);
    });
  parent
    .command('members')
    .description('list the projects that an image is shared with')
    .addArgument(imageArgument())
    .action(async (nameOrId: string, _: object, command: Command) => {
      const { client, settings } = openCall(command);
      const { id } = await client.findImage(nameOrId);
      printMembers(await client.listMembers(id), settings);
    });
  addAnswer(parent, 'accept', 'have an image that is shared with your project in its lists', 'accepted');
  addAnswer(parent, 'reject', 'keep an image that is shared with your project out of its lists', 'rejected');
}

function addAnswer(parent: Command, name: string, description: string, status: MemberStatus): void {
  parent
    .command(name)
    .description(description)
    // Names are looked up in lists, and what was not accepted is in none.
    .addArgument(new Argument('<id>', 'id of the image'))
    .addOption(new Option('--project <id>', 'the project that answers, when it is not yours'))
    .action(async (id: string, { project }: { project?: string }, command: Command) => {
      const { client, settings } = openCall(command);
      const member = project ?? (await onlyMember(client, id));
      printMembers([await client.answerSharing(id, member, status)], settings);
    });
}

/** A project that an image is shared with sees itself alone among the members. */
async function onlyMember(client: ImageClient, id: string): Promise<string> {
  const members = await client.listMembers(id);
  if (members.length === 1) return members[0]!.member_id;
  throw new UsageError(
    members.length === 0
      ? `image ${id} is shared with nobody`
      : `image ${id} is shared with ${members.length} projects: say which one answers with --project`,
  );
}

function printMembers(members: readonly ImageMember[], settings: Settings): void {
  if (settings.json) printJson(members);
  else if (settings.quiet) for (const { member_id } of members) printLine(member_id);
  else
    printTable(
      ['PROJECT', 'STATUS', 'UPDATED'],
      members.map(({ member_id, status, updated_at }) => [member_id, status, updated_at]),
    );
}
