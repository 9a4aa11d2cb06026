/** What is called of a socket. */
interface CorkableStream {
  cork(): void;
  uncork(): void;
  prependListener(event: 'drain', listener: () => void): unknown;
}

/**
 * The client writes each message to its socket by itself: a system call and a packet for each. Returned is what holds a batch
 * together until the client has written, at the latest in the next turn of the event loop; and again whenever the socket
 * takes more after it was full.
 */
export function gathering(stream: unknown): () => void {
  if (!isCorkable(stream)) return () => undefined;
  // The client writes inside its own listener of the same event.
  stream.prependListener('drain', () => {
    stream.cork();
    process.nextTick(() => stream.uncork());
  });
  let isHeld = false;
  return () => {
    if (isHeld) return;
    isHeld = true;
    stream.cork();
    // It writes in the next phase of immediates, before or after this one: so the one after that.
    setImmediate(() =>
      setImmediate(() => {
        isHeld = false;
        stream.uncork();
      }),
    );
  };
}

function isCorkable(stream: unknown): stream is CorkableStream {
  if (typeof stream !== 'object' || stream === null) return false;
  return ['cork', 'uncork', 'prependListener'].every((name) => typeof Reflect.get(stream, name) === 'function');
}
