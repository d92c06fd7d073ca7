/** The uploads of this process, so that a deletion or a shutdown can end them. */
import { Failure } from '../base/failure.ts';

export interface RunningUpload {
  readonly id: string;
  readonly imageId: string;
  readonly signal: AbortSignal;
  done(): void;
}

export class RunningUploads {
  readonly #running = new Map<string, { imageId: string; controller: AbortController }>();
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

  has(id: string): boolean {
    return this.#running.has(id);
  }

  /** Ends the upload to an image that was deleted. */
  abortImage(imageId: string): void {
    const gone = new Failure('image_deleted', `Image ${imageId} was deleted during the upload.`);
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
