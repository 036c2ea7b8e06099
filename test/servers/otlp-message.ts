/** A message of protobuf by the numbers of its fields; read without the encoder's code, from the published .proto files. */
type Fields = { readonly [number: number]: readonly [name: string, type: FieldType] };
type FieldType =
  'text' | 'hex' | 'whole' | 'bool' | 'double' | 'fixed64' | 'fixed32' | { readonly one: () => Fields } | { readonly many: () => Fields };

const VALUE: Fields = {
  1: ['stringValue', 'text'],
  2: ['boolValue', 'bool'],
  3: ['intValue', 'whole'],
  4: ['doubleValue', 'double'],
  5: ['arrayValue', { one: () => ({ 1: ['values', { many: () => VALUE }] }) }],
};
const KEY_VALUE: Fields = { 1: ['key', 'text'], 2: ['value', { one: () => VALUE }] };
const EVENT: Fields = { 1: ['timeUnixNano', 'fixed64'], 2: ['name', 'text'], 3: ['attributes', { many: () => KEY_VALUE }] };
const SPAN: Fields = {
  1: ['traceId', 'hex'],
  2: ['spanId', 'hex'],
  3: ['traceState', 'text'],
  4: ['parentSpanId', 'hex'],
  5: ['name', 'text'],
  6: ['kind', 'whole'],
  7: ['startTimeUnixNano', 'fixed64'],
  8: ['endTimeUnixNano', 'fixed64'],
  9: ['attributes', { many: () => KEY_VALUE }],
  11: ['events', { many: () => EVENT }],
  15: ['status', { one: () => ({ 2: ['message', 'text'], 3: ['code', 'whole'] }) }],
  16: ['flags', 'fixed32'],
};
const SCOPE_SPANS: Fields = { 1: ['scope', { one: () => ({ 1: ['name', 'text'], 2: ['version', 'text'] }) }], 2: ['spans', { many: () => SPAN }] };
const RESOURCE_SPANS: Fields = {
  1: ['resource', { one: () => ({ 1: ['attributes', { many: () => KEY_VALUE }] }) }],
  2: ['scopeSpans', { many: () => SCOPE_SPANS }],
};
const REQUEST: Fields = { 1: ['resourceSpans', { many: () => RESOURCE_SPANS }] };

/** An ExportTraceServiceRequest, in the form of its JSON. Throws at what the definitions do not know. */
export function decodeRequest(bytes: Buffer): Record<string, unknown> {
  return decode(bytes, REQUEST);
}

function decode(bytes: Buffer, fields: Fields): Record<string, unknown> {
  const found: Record<string, unknown> = {};
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++];
      if (byte === undefined) throw new Error('the message ends within a number');
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  const take = (length: number): Buffer => {
    if (at + length > bytes.length) throw new Error('the message ends within a field');
    at += length;
    return bytes.subarray(at - length, at);
  };
  while (at < bytes.length) {
    const tag = Number(varint());
    const field = fields[tag >> 3];
    if (!field) throw new Error(`unknown field ${tag >> 3}`);
    const [name, type] = field;
    const expect = (wire: number): void => {
      if ((tag & 7) !== wire) throw new Error(`${name}: wire type ${tag & 7}`);
    };
    const content = (): Buffer => (expect(2), take(Number(varint())));
    if (typeof type === 'object') {
      if ('many' in type) found[name] = [...((found[name] as unknown[] | undefined) ?? []), decode(content(), type.many())];
      else found[name] = decode(content(), type.one());
    } else if (type === 'text') found[name] = content().toString();
    else if (type === 'hex') found[name] = content().toString('hex');
    else if (type === 'bool') found[name] = (expect(0), varint() === 1n);
    else if (type === 'whole') found[name] = (expect(0), String(BigInt.asIntN(64, varint())));
    else if (type === 'double') found[name] = (expect(1), take(8).readDoubleLE());
    else if (type === 'fixed64') found[name] = (expect(1), String(take(8).readBigUInt64LE()));
    else found[name] = (expect(5), take(4).readUInt32LE());
  }
  return found;
}
