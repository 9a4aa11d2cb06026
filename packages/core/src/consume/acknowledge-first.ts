import type { Dispatcher } from './dispatcher.ts';
import { summaryOf } from './failure.ts';
import type { RunMode } from './single-runner.ts';

/** `acknowledge: 'before'`: at most once. Loaded by the first such consumer. */
export function createAcknowledgeFirst(dispatcher: Dispatcher): RunMode {
  return {
    start(job, run) {
      dispatcher.acknowledge(job, (lost) => {
        if (lost) dispatcher.end(job, undefined);
        else run();
      });
    },
    // There is nothing left to settle, and nobody to try again.
    end(job, result) {
      if (result !== undefined && !('value' in result)) {
        const error = summaryOf('error' in result ? result.error : result.invalid);
        dispatcher.desk.tell('discarded', job, { attempts: job.attempt, error });
      }
      dispatcher.endSettled(job);
      return true;
    },
  };
}
