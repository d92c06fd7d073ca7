/** The uploads of this process, so that a deletion or a shutdown can end them, and those still to be undone. */
import { Failure } from '../base/failure.ts';
import type { Upload } from './upload-records.ts';

export interface RunningUpload {
  readonly id: string;
  readonly imageId: string;
  readonly signal: AbortSignal;
  done(): void;
}

export class RunningUploads {
  readonly #running = new Map<string, { imageId: string; controller: AbortController }>();
  readonly #left = new Map<string, { upload: Upload; failure: Failure }>();
  #closing = false;
  #idle: (() => void) | null = null;

  get count(): number {
    return this.#running.size;
  }

  /** Fails with unavailable once the server is stopping. */
  begin(id: string, imageId: string): RunningUpload {
    if (this.#closing) throw new Failure('unavailable', 'The server is stopping: upload again in a moment.');
    const controller = new AbortController();
    const done = () => {
      this.#running.delete(id);
      if (this.#running.size === 0) this.#idle?.();
    };
    this.#running.set(id, { imageId, controller });
    return { id, imageId, signal: controller.signal, done };
  }

  /** Whether this process sees to it: it is under way, or still to be undone. */
  has(id: string): boolean {
    return this.#running.has(id) || this.#left.has(id);
  }

  /** Remembers a failed upload that could not be undone: nobody else knows why it failed, or what it wrote. */
  leave(upload: Upload, failure: Failure): void {
    this.#left.set(upload.id, { upload, failure });
  }

  get left(): { upload: Upload; failure: Failure }[] {
    return [...this.#left.values()];
  }

  /** It was undone. */
  forget(id: string): void {
    this.#left.delete(id);
  }

  /** Ends the upload to an image that was deleted, or for another reason. */
  abortImage(imageId: string, why?: Failure): void {
    const gone = why ?? new Failure('image_deleted', `Image ${imageId} was deleted during the upload.`);
    for (const one of this.#running.values()) if (one.imageId === imageId) one.controller.abort(gone);
  }

  /** Lets no upload begin, waits up to `graceMs` for those under way, then ends them. */
  async drain(graceMs: number): Promise<void> {
    this.#closing = true;
    if (this.#running.size === 0) return;
    const idle = new Promise<void>((resolve) => {
      this.#idle = resolve;
    });
    const stop = () => {
      const reason = new Failure(
        'interrupted',
        'The server stopped while the data was arriving: upload again.',
      );
      for (const one of this.#running.values()) one.controller.abort(reason);
    };
    const timer = setTimeout(stop, graceMs);
    await idle;
    clearTimeout(timer);
  }
}
