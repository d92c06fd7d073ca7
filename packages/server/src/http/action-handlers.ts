/** What is answered alike for every kind of work on images: `/v2/image-imports`, `/v2/image-exports`, `/v2/image-clones`, and all in `/v2/image-actions`. */
import type { ActionType } from '@tintype/contract';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ActionView } from '../actions/action-view.ts';
import { cancelAction } from '../actions/cancel-action.ts';
import { forgetAction } from '../actions/forget-action.ts';
import { listActions } from '../actions/list-actions.ts';
import { retryAction } from '../actions/retry-action.ts';
import { showAction } from '../actions/show-action.ts';
import { tokenOf } from './caller-token.ts';
import type { HttpParts } from './context.ts';
import { pageLink, queryOf } from './page-link.ts';
import { publicUrl } from './public-url.ts';
import type { Handler } from './register.ts';
import { renderAction } from './render-action.ts';

export const sends =
  (document: object): Handler =>
  async (_request, reply) =>
    await reply.send(document);

export function askedOf(request: FastifyRequest, type: ActionType | null) {
  return { id: (request.params as { action_id: string }).action_id, type };
}

/** It has begun, and has an address. */
export async function sendBegun(
  { settings }: HttpParts,
  request: FastifyRequest,
  reply: FastifyReply,
  view: ActionView,
): Promise<unknown> {
  const record = renderAction(view);
  reply.header('Location', `${publicUrl(request, settings.publicEndpoint)}${record.self}`);
  return await reply.code(201).send(record);
}

/** `type` null: of any kind. */
export function actionHandlers({ actions }: HttpParts, collection: string, type: ActionType | null) {
  const command =
    (act: typeof cancelAction | typeof forgetAction | typeof retryAction, status: number): Handler =>
    async (request, reply) => {
      await act(actions, request.caller, { ...askedOf(request, type), token: tokenOf(request) });
      return await reply.code(status).send();
    };
  const list: Handler = async (request, reply) => {
    const query = queryOf(request);
    const page = await listActions(actions, request.caller, query, type);
    const path = `/v2/${collection}`;
    return await reply.send({
      [collection.replaceAll('-', '_')]: page.actions.map(renderAction),
      first: pageLink(path, query, null),
      ...(page.next === null ? {} : { next: pageLink(path, query, page.next) }),
      schema: `/v2/schemas/${collection}`,
    });
  };
  const show: Handler = async (request, reply) =>
    await reply.send(renderAction(await showAction(actions, request.caller, askedOf(request, type))));
  return {
    list,
    show,
    forget: command(forgetAction, 204),
    retry: command(retryAction, 202),
    cancel: command(cancelAction, 202),
  };
}
