/** Servers that the adapters' suites hold on, beside those of npm test. An adapter's page names them by their title. */
export const otherVersions = /** @type {const} */ ([
  { title: 'Redis 7.0', broker: 'redis', version: '7.0', adapter: 'redis-streams' },
  { title: 'Valkey 9', broker: 'redis', version: 'valkey-9', adapter: 'redis-streams' },
  { title: 'RabbitMQ 4.3', broker: 'rabbitmq', version: '4.3', adapter: 'rabbitmq' },
]);
