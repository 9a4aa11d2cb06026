import { AnymqError } from './errors.ts';

/** What the work resolves with. After `ms` of real time it rejects with TIMEOUT instead, and the work goes on unobserved. */
export async function answerWithin<T>(ms: number, who: string, work: Promise<T>): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new AnymqError('TIMEOUT', `${who} did not answer within ${ms} ms.`)), ms);
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
