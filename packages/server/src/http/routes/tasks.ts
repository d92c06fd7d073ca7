/** /v2/tasks: the work on all images, for administrators (API section 8). */

import { TaskRequest, taskSchema, tasksSchema } from '@tintype/contract';
import type { FastifyRequest } from 'fastify';
import { startTask } from '../../actions/start-task.ts';
import { listTasks, showTask } from '../../images/all-tasks.ts';
import type { Task } from '../../images/task-records.ts';
import { tokenOf } from '../caller-token.ts';
import type { HttpParts } from '../context.ts';
import { pageLink, queryOf } from '../page-link.ts';
import { publicUrl } from '../public-url.ts';
import type { Handlers } from '../register.ts';
import { renderTask } from '../render-image.ts';
import { bodyReader } from '../request-body.ts';

const readTask = bodyReader(TaskRequest);

function linksOf({ id }: Task) {
  return { self: `/v2/tasks/${id}`, schema: '/v2/schemas/task' };
}

function summaryOf(task: Task) {
  const { id, type, status, owner, expires_at, created_at, updated_at } = renderTask(task);
  return { id, type, status, owner, expires_at, created_at, updated_at, ...linksOf(task) };
}

function wholeOf(task: Task) {
  return { ...renderTask(task), ...linksOf(task) };
}

export function taskRoutes({ images: parts, actions, settings }: HttpParts): Handlers {
  return {
    async createTask(request, reply) {
      const task = await startTask(actions, request.caller, {
        request: readTask(request.body),
        token: tokenOf(request),
        requestId: request.id,
      });
      reply.header('Location', `${publicUrl(request, settings.publicEndpoint)}/v2/tasks/${task.id}`);
      return await reply.code(201).send(wholeOf(task));
    },

    async listTasks(request, reply) {
      const query = queryOf(request);
      const { tasks, next } = await listTasks(parts, request.caller, query);
      return await reply.send({
        tasks: tasks.map(summaryOf),
        first: pageLink('/v2/tasks', query, null),
        ...(next === null ? {} : { next: pageLink('/v2/tasks', query, next) }),
        schema: '/v2/schemas/tasks',
      });
    },

    async showTask(request: FastifyRequest, reply) {
      const { task_id: id } = request.params as { task_id: string };
      const task = await showTask(parts, request.caller, id);
      return await reply.send(wholeOf(task));
    },

    taskSchema: async (_request, reply) => await reply.send(taskSchema),
    tasksSchema: async (_request, reply) => await reply.send(tasksSchema),
  };
}
