import { copying, growing, reader, script, type Script } from './script.ts';

/**
 * KEYS: meta, delayed, stream of each partition. ARGV: 'queue' or 'topic', ids before which the history ends or '', then of
 * each message: its shape, "partition due count place …", with '-' for no due time; and what stands in those places of its
 * `count` fields. In the others stands what the message before had, as most is the same: that spares the client more than half
 * of its work. Answers the id of each, '' for a delayed one, as one text with spaces in between, which a client takes in many
 * times as fast as a list.
 * A topic that keeps no history and has no group takes nothing: '' for all.
 */
export const send: Script = growing(
  reader,
  copying,
  `
local meta, delayed = KEYS[1], KEYS[2]
local kind, horizon = arg(), arg()
local ids, touched = {}, {}
local heard = kind == 'queue' or horizon ~= ''
if not heard then
  local groups = redis.pcall('XINFO', 'GROUPS', KEYS[3])
  heard = not groups.err and #groups > 0
end
local fields, last = {}, nil
local partition, due, count, places
while at < #ARGV do
  local shape = arg()
  if shape ~= last then
    last, places = shape, {}
    for part in string.gmatch(shape, '%S+') do places[#places + 1] = part end
    partition, due, count = tonumber(places[1]), places[2], tonumber(places[3])
    for i = 4, #places do places[i] = tonumber(places[i]) end
  end
  for i = 4, #places do at = at + 1; fields[places[i]] = ARGV[at] end
  if not heard then ids[#ids + 1] = ''
  elseif due ~= '-' then
    delay(delayed, meta, due, partition, { unpack(fields, 1, count) })
    ids[#ids + 1] = ''
  else
    local stream = KEYS[3 + partition]
    touched[stream] = true
    ids[#ids + 1] = redis.call('XADD', stream, '*', unpack(fields, 1, count))
  end
end
if horizon ~= '' then
  for stream in pairs(touched) do redis.call('XTRIM', stream, 'MINID', '~', horizon) end
end
return table.concat(ids, ' ')
`,
);

/**
 * What is due moves to its stream. KEYS: of each set the set itself, then its streams by partition. ARGV: time, most to move,
 * number of sets, number of streams of each set. Answers when the next is due, or -1, and how many were moved.
 */
export const pump: Script = script(
  reader,
  `
local now, limit, sets = arg(), num(), num()
local key, next_due, moved = 1, -1, 0
for _ = 1, sets do
  local set, count = KEYS[key], num()
  local due = redis.call('ZRANGEBYSCORE', set, '-inf', now, 'LIMIT', 0, limit)
  for _, member in ipairs(due) do
    local fields = cmsgpack.unpack(string.sub(member, 17))
    local partition = tonumber(fields[1]) % count
    redis.call('XADD', KEYS[key + 1 + partition], '*', unpack(fields, 2))
    redis.call('ZREM', set, member)
  end
  moved = moved + #due
  local head = redis.call('ZRANGE', set, 0, 0, 'WITHSCORES')
  if head[2] then
    local at = tonumber(head[2])
    if next_due < 0 or at < next_due then next_due = at end
  end
  key = key + 1 + count
end
return { tostring(next_due), moved }
`,
);
