/** GET /v2/images/{id}/tasks: what was done to an image, and why it failed (API section 4). */
import { listImageTasks } from '../../images/list-tasks.ts';
import type { HttpParts } from '../context.ts';
import type { Handlers } from '../register.ts';
import { renderTask } from '../render-image.ts';
import { imageIdOf } from './image-id.ts';

export function imageTaskRoutes({ images: parts }: HttpParts): Handlers {
  return {
    async listImageTasks(request, reply) {
      const tasks = await listImageTasks(parts, request.caller, imageIdOf(request));
      return reply.send({ tasks: tasks.map(renderTask) });
    },
  };
}
