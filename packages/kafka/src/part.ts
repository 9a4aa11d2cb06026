/** What of a receiver may fail, and work again, by itself. */
export type Part = 'membership' | 'fetching' | 'loading' | 'topic' | 'handing over' | 'reserving';
