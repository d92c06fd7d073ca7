/** /v2/images/{id}/members: sharing an image with projects (API section 7). */
import { MemberAnswer, MemberCreation, type MemberRecord } from '@tintype/contract';
import type { FastifyRequest } from 'fastify';
import { seconds } from '../../base/time.ts';
import { addMember } from '../../members/add.ts';
import { answerMember } from '../../members/answer.ts';
import { listMembers, showMember } from '../../members/look.ts';
import type { Member } from '../../members/member-records.ts';
import { removeMember } from '../../members/remove.ts';
import type { HttpParts } from '../context.ts';
import type { Handlers } from '../register.ts';
import { bodyReader } from '../request-body.ts';
import { imageIdOf } from './image-id.ts';

const readCreation = bodyReader(MemberCreation);
const readAnswer = bodyReader(MemberAnswer);

function render({ image_id, member, status, created_at, updated_at }: Member): MemberRecord {
  return {
    image_id,
    member_id: member,
    status,
    created_at: seconds(created_at),
    updated_at: seconds(updated_at),
    schema: '/v2/schemas/member',
  };
}

function memberIdOf(request: FastifyRequest): string {
  return (request.params as { member_id: string }).member_id;
}

export function memberRoutes({ images: parts, settings }: HttpParts): Handlers {
  return {
    async addMember(request, reply) {
      const { member } = readCreation(request.body);
      const input = { id: imageIdOf(request), member, maxMembers: settings.maxMembers };
      return reply.send(render(await addMember(parts, request.caller, input)));
    },
    async listMembers(request, reply) {
      const members = await listMembers(parts, request.caller, imageIdOf(request));
      return reply.send({ members: members.map(render), schema: '/v2/schemas/members' });
    },
    async showMember(request, reply) {
      return reply.send(
        render(await showMember(parts, request.caller, imageIdOf(request), memberIdOf(request))),
      );
    },
    async answerMember(request, reply) {
      const { status } = readAnswer(request.body);
      const input = { id: imageIdOf(request), member: memberIdOf(request), status };
      return reply.send(render(await answerMember(parts, request.caller, input)));
    },
    async removeMember(request, reply) {
      await removeMember(parts, request.caller, imageIdOf(request), memberIdOf(request));
      return reply.code(204).send();
    },
  };
}
