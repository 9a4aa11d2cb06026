import type { SqsRecord } from './lambda.ts';
import type { RawMessage } from './sqs-endpoint.ts';

/** As a receive would have answered it. */
export function toRaw({ messageId, receiptHandle, body, attributes, messageAttributes = {} }: SqsRecord): RawMessage {
  return {
    MessageId: messageId,
    ReceiptHandle: receiptHandle,
    Body: body,
    Attributes: { ...attributes },
    MessageAttributes: Object.fromEntries(
      Object.entries(messageAttributes).map(([name, { dataType, stringValue, binaryValue }]) => [
        name,
        {
          DataType: dataType,
          ...(stringValue === undefined ? {} : { StringValue: stringValue }),
          ...(binaryValue === undefined ? {} : { BinaryValue: Buffer.from(binaryValue, 'base64') }),
        },
      ]),
    ),
  };
}
