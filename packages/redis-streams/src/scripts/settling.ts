import { copying, reader, script, type Script } from './script.ts';

/** Settles what `lane_of` or the generation says is the caller's. */
const settleItems = `
-- Layout: KEYS[1] meta, [2] notes, [3] delayed, [4] dead, [5] members or owners, [6..] streams.
local meta, notes, delayed, dead = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local has_notes = redis.call('EXISTS', notes) == 1
local function forget(stream, id)
  if has_notes then redis.call('HDEL', notes, 'm:' .. stream .. ':' .. id, 'h:' .. stream .. ':' .. id) end
end
local function acknowledge(group, stream, deletes, from, to)
  local key = KEYS[5 + stream]
  redis.call('XACK', key, group, unpack(ARGV, from, to))
  if deletes then redis.call('XDEL', key, unpack(ARGV, from, to)) end
  if has_notes then for i = from, to do forget(stream, ARGV[i]) end end
end
-- A copy is written in the step that ends the original, so a second run writes none; and before that end: what cannot be
-- written (a user without the right to, a key of another type) leaves the original pending.
local function settle_one(group, kind, stream, id, deletes, target, partition, due, set)
  local key = KEYS[5 + stream]
  if kind == 'unmark' then return forget(stream, id) end
  if #redis.call('XPENDING', key, group, id, id, 1) == 0 then return end
  local entry = redis.call('XRANGE', key, id, id)[1]
  if not entry then -- Somebody deleted it.
  elseif kind == 'dead' then redis.call('XADD', dead, '*', unpack(copy_fields(entry[2], set)))
  elseif kind == 'retry' then delay(delayed, meta, due, partition, copy_fields(entry[2], set))
  else
    -- A release changes nothing of the message but that it was delivered before.
    local copy = copy_fields(entry[2], set, true)
    if due ~= '' then delay(delayed, meta, due, partition, copy)
    else redis.call('XADD', KEYS[5 + target], '*', unpack(copy)) end
  end
  redis.call('XACK', key, group, id)
  if deletes then redis.call('XDEL', key, id) end
  forget(stream, id)
end
local function settle_rest(group, is_ours)
  while at < #ARGV do
    local kind, stream, id, deletes, target, partition, due, count = arg(), num(), arg(), arg() == '1', num(), num(), arg(), num()
    local from, to = args(count)
    local set = {}
    for i = from, to do set[#set + 1] = ARGV[i] end
    if is_ours(stream) then settle_one(group, kind, stream, id, deletes, target, partition, due, set) end
  end
end
`;

/**
 * Of an unordered destination. ARGV: member, generation, group, number of acknowledged lists, of each: stream, '1' to delete,
 * count, ids; then the others. Answers 0 when something was taken from this member since that generation: nothing was done.
 */
export const settleShared: Script = script(
  reader,
  copying,
  settleItems,
  `
local member, generation, group, lists = arg(), arg(), arg(), num()
if redis.call('HGET', KEYS[5], member) ~= generation then return 0 end
for _ = 1, lists do
  local stream, deletes, count = num(), arg() == '1', num()
  local from, to = args(count)
  acknowledge(group, stream, deletes, from, to)
end
settle_rest(group, function() return true end)
return 1
`,
);

/**
 * Of an ordered destination. ARGV: member, group, streams per partition (the second ones begin after all first ones), partitions,
 * number of fences, of each: partition, epoch; then as `settleShared`. Answers the partitions that are no longer ours.
 */
export const settleLanes: Script = script(
  reader,
  copying,
  settleItems,
  `
local member, group, partitions, fences = arg(), arg(), num(), num()
local lost, lost_list = {}, {}
for _ = 1, fences do
  local partition, epoch = arg(), arg()
  local owner = redis.call('HGET', KEYS[5], partition)
  if not owner or string.match(owner, '^(%d+)|') ~= epoch or string.match(owner, '^%d+|%d+|(.*)$') ~= member then
    lost[tonumber(partition)] = true
    lost_list[#lost_list + 1] = tonumber(partition)
  end
end
local function is_ours(stream) return not lost[(stream - 1) % partitions] end
local lists = num()
for _ = 1, lists do
  local stream, deletes, count = num(), arg() == '1', num()
  local from, to = args(count)
  if is_ours(stream) then acknowledge(group, stream, deletes, from, to) end
end
settle_rest(group, is_ours)
return lost_list
`,
);

/** KEYS: notes. ARGV: what, then of each: field, value. 'm' counts a start, 'u' takes one back, 'h' keeps a held message. */
export const note: Script = script(
  reader,
  `
local what = arg()
while at < #ARGV do
  local field, value = arg(), arg()
  if what == 'm' then redis.call('HINCRBY', KEYS[1], 'm:' .. field, 1)
  elseif what == 'u' then
    if redis.call('HEXISTS', KEYS[1], 'm:' .. field) == 1 and redis.call('HINCRBY', KEYS[1], 'm:' .. field, -1) <= 0 then
      redis.call('HDEL', KEYS[1], 'm:' .. field)
    end
  else redis.call('HSET', KEYS[1], 'h:' .. field, value) end
end
return 1
`,
);
