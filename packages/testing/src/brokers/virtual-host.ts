import { randomUUID } from 'node:crypto';
import type { Broker } from './broker.ts';

/**
 * Makes a virtual host on a RabbitMQ in a container, for a test that a namespace does not keep apart from the others, and
 * returns its URL. It takes one to two seconds: `rabbitmqctl` starts an Erlang machine.
 *
 * @throws {Error} when the broker is no RabbitMQ in a container
 */
export async function createVirtualHost(broker: Broker, name: string = `test-${randomUUID()}`): Promise<string> {
  if (broker.name !== 'rabbitmq' || broker.container === undefined) {
    throw new Error(
      `Virtual hosts are made in a container of RabbitMQ; this is ${broker.name} at a given URL or another broker.`,
    );
  }
  const url = new URL(broker.url);
  url.pathname = encodeURIComponent(name);
  const script = 'rabbitmqctl add_vhost "$0" && rabbitmqctl set_permissions --vhost "$0" "$1" ".*" ".*" ".*"';
  await broker.container.exec(['sh', '-c', script, name, decodeURIComponent(url.username)]);
  return url.href;
}
