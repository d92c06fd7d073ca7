/** What a command that talks to a server works with. */
import { basename } from 'node:path';
import type { ImageClient, Progress } from '@tintype/client';
import type { Command } from 'commander';
import { plainText } from './plain-text.ts';
import { ProgressDisplay } from './progress.ts';
import { connect, readSettings, type Settings } from './settings.ts';

export interface Call {
  readonly settings: Settings;
  readonly client: ImageClient;
  /** Tells people something that is not the result; programs are not told. */
  note(text: string): void;
}

export function openCall(command: Command): Call {
  const settings = readSettings(command);
  const silent = settings.quiet || settings.json;
  return {
    settings,
    client: connect(command),
    note(text) {
      if (!silent) process.stderr.write(`${plainText(text)}\n`);
    },
  };
}

export interface Display {
  readonly onProgress: (progress: Progress) => void;
  done(): void;
  stop(): void;
}

/** `verb` and the file's name stand before the bar. */
export function showProgress({ settings }: Call, verb: string, name: string, total: number | null): Display {
  const screen = settings.quiet || settings.json ? null : process.stderr;
  const display = new ProgressDisplay({ label: `${verb} ${plainText(basename(name))}`, total, screen });
  return {
    onProgress: ({ transferred }) => display.update(transferred),
    done: () => display.done(),
    stop: () => display.stop(),
  };
}
