import type { RawMessage } from './sqs-endpoint.ts';

/** One message as Lambda hands it over: Lambda Developer Guide, using Lambda with SQS. */
export interface SqsRecord {
  readonly messageId: string;
  readonly receiptHandle: string;
  readonly body: string;
  readonly attributes: Readonly<Record<string, string | undefined>>;
  readonly messageAttributes?: Readonly<Record<string, SqsRecordAttribute>> | undefined;
  readonly eventSourceARN: string;
}

export interface SqsRecordAttribute {
  readonly dataType: string;
  readonly stringValue?: string | undefined;
  /** Base64. */
  readonly binaryValue?: string | undefined;
}

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
