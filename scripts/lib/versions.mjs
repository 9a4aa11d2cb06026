/**
 * Servers that the adapters' suites hold on, beside those of npm test. An adapter's page names them by their title. `tests`:
 * what runs beside the conformance suite, because it relies on the server's insides.
 */
export const otherVersions = /** @type {const} */ ([
  { title: 'Redis 7.0', broker: 'redis', version: '7.0', adapter: 'redis-streams', tests: [] },
  { title: 'Valkey 9', broker: 'redis', version: 'valkey-9', adapter: 'redis-streams', tests: [] },
  { title: 'RabbitMQ 4.3', broker: 'rabbitmq', version: '4.3', adapter: 'rabbitmq', tests: ['outages'] },
]);
