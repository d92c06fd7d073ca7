/** What can be asked of a thread: each command blocks it until the cluster has answered. */
import type { Library } from '../library.ts';
import { configuredFsid, connect, disconnect, probe } from './connection.ts';
import {
  closeImage,
  createImage,
  describeImage,
  openImage,
  readImage,
  resizeImage,
  sealImage,
  writeImage,
} from './image.ts';
import { listNames } from './names.ts';
import { poolRoom } from './pool-room.ts';
import { buryImage, discardImage, isCloned, listTrash, purgeImage } from './removal.ts';

export const commands = {
  configuredFsid,
  connect,
  disconnect,
  probe,
  poolRoom,
  createImage,
  resizeImage,
  writeImage,
  sealImage,
  openImage,
  readImage,
  closeImage,
  describeImage,
  listNames,
  discardImage,
  buryImage,
  listTrash,
  purgeImage,
  isCloned,
} as const;

type Commands = typeof commands;
export type CommandName = keyof Commands;
export type Arguments<Name extends CommandName> =
  Parameters<Commands[Name]> extends [Library, ...infer Rest] ? Rest : never;
export type Result<Name extends CommandName> = ReturnType<Commands[Name]>;

export interface Order {
  readonly id: number;
  readonly name: CommandName;
  readonly args: readonly unknown[];
}

export type Answer = { readonly id: number } & (
  | { readonly result: unknown }
  | { readonly call: string; readonly errno: number }
  | { readonly error: string }
);
