/** /v2/images/{id}/replicas: the copies of an image's data (seed S1). */
import { ReplicaCreation } from '@tintype/contract';
import { addReplica } from '../../actions/add-replica.ts';
import { listReplicas } from '../../actions/list-replicas.ts';
import { deleteReplica } from '../../images/delete-replica.ts';
import type { HttpParts } from '../context.ts';
import type { Handlers } from '../register.ts';
import { renderReplicas } from '../render-replicas.ts';
import { bodyReader } from '../request-body.ts';
import { imageIdOf } from './image-id.ts';

const readCreation = bodyReader(ReplicaCreation);

export function imageReplicaRoutes({ actions, images: parts }: HttpParts): Handlers {
  return {
    async listReplicas(request, reply) {
      return reply.send(renderReplicas(await listReplicas(parts, request.caller, imageIdOf(request))));
    },
    async addReplica(request, reply) {
      const { store, disk_format: diskFormat = null } = readCreation(request.body);
      const order = { id: imageIdOf(request), store, diskFormat, requestId: request.id };
      await addReplica(actions, request.caller, order);
      return reply.code(202).send();
    },
    async deleteReplica(request, reply) {
      const { replica_id: replicaId } = request.params as { replica_id: string };
      await deleteReplica(parts, request.caller, { id: imageIdOf(request), replicaId });
      return reply.code(204).send();
    },
  };
}
