import { kafka } from '@anymq/kafka';
import kafkajs from 'kafkajs';
import type { AclEntry, Admin, KafkaConfig } from 'kafkajs';
import { credentials } from '../drivers.ts';

// Its other names are not to be imported by name.
const { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ResourcePatternTypes } = kafkajs;

const denials = [AclResourceTypes.TOPIC, AclResourceTypes.GROUP].map((resourceType): AclEntry => ({
  resourceType,
  resourceName: '*',
  resourcePatternType: ResourcePatternTypes.LITERAL,
  principal: `User:${credentials.username}`,
  host: '*',
  operation: AclOperationTypes.ALL,
  permissionType: AclPermissionTypes.DENY,
}));

/** Denies the user every topic and every group. What is the cluster's stays allowed, so that the same user can undo it. */
export function takeKafkaRights(url: string): Promise<void> {
  return asAdmin(url, async (admin) => void (await admin.createAcls({ acl: denials })));
}

export function giveKafkaRights(url: string): Promise<void> {
  return asAdmin(url, async (admin) => void (await admin.deleteAcls({ filters: denials })));
}

async function asAdmin(url: string, work: (admin: Admin) => Promise<void>): Promise<void> {
  const admin = new kafkajs.Kafka({
    ...(kafka.parseUrl(url) as unknown as KafkaConfig),
    logLevel: kafkajs.logLevel.NOTHING,
  }).admin();
  await admin.connect();
  try {
    await work(admin);
  } finally {
    await admin.disconnect();
  }
}
