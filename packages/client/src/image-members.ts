/** The projects that an image is shared with. */
import type { MemberRecord } from '@tintype/contract';
import type { Connection } from './connection.ts';
import { segment } from './endpoint.ts';

export type ImageMember = MemberRecord;
export type MemberStatus = MemberRecord['status'];

const headers = { 'Content-Type': 'application/json' };

function pathOf(id: string, project?: string): string {
  const members = `/v2/images/${segment(id)}/members`;
  return project === undefined ? members : `${members}/${segment(project)}`;
}

export async function listMembers(
  connection: Connection,
  id: string,
  signal?: AbortSignal,
): Promise<ImageMember[]> {
  const path = pathOf(id);
  return (await connection.json<{ members?: ImageMember[] }>({ method: 'GET', path, signal })).members ?? [];
}

export async function addMember(
  connection: Connection,
  id: string,
  project: string,
  signal?: AbortSignal,
): Promise<ImageMember> {
  const body = JSON.stringify({ member: project });
  return await connection.json<ImageMember>({ method: 'POST', path: pathOf(id), headers, body, signal });
}

export async function answerSharing(
  connection: Connection,
  id: string,
  project: string,
  status: MemberStatus,
  signal?: AbortSignal,
): Promise<ImageMember> {
  const path = pathOf(id, project);
  const body = JSON.stringify({ status });
  return await connection.json<ImageMember>({ method: 'PUT', path, headers, body, signal });
}

export async function removeMember(
  connection: Connection,
  id: string,
  project: string,
  signal?: AbortSignal,
): Promise<void> {
  const answer = await connection.send({ method: 'DELETE', path: pathOf(id, project), signal });
  await answer.body?.cancel();
}
