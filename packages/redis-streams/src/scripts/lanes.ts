import { clock, groupInfo, reader, script, type Script } from './script.ts';

/**
 * One heartbeat of a member of an ordered group: its leases begin anew, and it takes free partitions up to its fair share. An
 * owner is "epoch|end of its lease|member"; without a member the partition was given up in order.
 * KEYS: alive, owners, meta. ARGV: member, lease, partitions, group. Answers what it took, as partition, epoch, '1' when it was
 * given up in order; what it holds; how many of those it should give up, or, below 0, how many it lacks; and a number that changes
 * when members come.
 */
export const balance: Script = script(
  clock,
  `
local member, lease, partitions = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local now = now_ms()
if redis.call('ZADD', KEYS[1], now + lease, member) == 1 then redis.call('HINCRBY', KEYS[2], 'members', 1) end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
redis.call('HSET', KEYS[3], 'g:' .. ARGV[4], now)
local members = redis.call('ZRANGE', KEYS[1], 0, -1)
table.sort(members)
local place = 0
for i, name in ipairs(members) do if name == member then place = i end end
local quota = math.floor(partitions / #members) + (place <= partitions % #members and 1 or 0)
local taken, held, free = {}, {}, {}
for p = 0, partitions - 1 do
  local epoch, ends, owner = string.match(redis.call('HGET', KEYS[2], p) or '0|0|', '^(%d+)|(%d+)|(.*)$')
  if owner == member then
    redis.call('HSET', KEYS[2], p, string.format('%s|%.0f|%s', epoch, now + lease, member))
    held[#held + 1] = { p, epoch }
  elseif owner == '' or tonumber(ends) <= now then free[#free + 1] = { p, epoch, owner == '' and '1' or '0' } end
end
for _, lane in ipairs(free) do
  if #held + #taken >= quota then break end
  local epoch = tostring(lane[2] + 1)
  redis.call('HSET', KEYS[2], lane[1], string.format('%s|%.0f|%s', epoch, now + lease, member))
  taken[#taken + 1] = { lane[1], epoch, lane[3] }
end
return { taken, held, #held + #taken - quota, redis.call('HGET', KEYS[2], 'members') or '0' }
`,
);

/** KEYS: owners. ARGV: member, then of each partition: number, epoch. What is someone else's stays so. */
export const giveUp: Script = script(
  reader,
  `
local member = arg()
while at < #ARGV do
  local partition, epoch = arg(), arg()
  local owner = redis.call('HGET', KEYS[1], partition)
  if owner and string.match(owner, '^(%d+)|') == epoch and string.match(owner, '^%d+|%d+|(.*)$') == member then
    redis.call('HSET', KEYS[1], partition, epoch .. '|0|')
  end
end
return 1
`,
);

/** The last id that a group was given of each stream. KEYS: streams. ARGV: group. */
export const positions: Script = script(
  groupInfo,
  `
local answer = {}
for i, stream in ipairs(KEYS) do
  local info = group_info(stream, ARGV[1])
  answer[i] = info and info['last-delivered-id'] or '0-0'
end
return answer
`,
);

/**
 * Reads as the owner of partitions. KEYS: owners, notes, streams. ARGV: member, group, then of each partition: number, epoch,
 * number of its streams, of each: its number, its place in KEYS, the id after which to read what is pending or '>', most to read.
 * Answers the number that changes when members come, then per stream: its number, '1' or, where the partition is not ours, '0', how many were pending there, and of each entry:
 * id, fields, starts, what is held.
 */
export const readLanes: Script = script(
  reader,
  `
local member, group = arg(), arg()
local has_notes = redis.call('EXISTS', KEYS[2]) == 1
local answer = { redis.call('HGET', KEYS[1], 'members') or '0' }
while at < #ARGV do
  local partition, epoch, streams = arg(), arg(), num()
  local owner = redis.call('HGET', KEYS[1], partition)
  local ours = owner and string.match(owner, '^(%d+)|') == epoch and string.match(owner, '^%d+|%d+|(.*)$') == member
  for _ = 1, streams do
    local stream, place, after, count = num(), num(), arg(), arg()
    local found = { stream, ours and '1' or '0', 0 }
    if ours and count ~= '0' then
      local key = KEYS[2 + place]
      local reply = redis.call('XREADGROUP', 'GROUP', group, 'lane', 'COUNT', count, 'STREAMS', key, after)
      local entries = reply and reply[1] and reply[1][2] or {}
      found[3] = #entries
      for _, entry in ipairs(entries) do
        local id, fields = entry[1], entry[2]
        if fields then
          local note = stream .. ':' .. id
          local marks = has_notes and redis.call('HGET', KEYS[2], 'm:' .. note) or false
          local held = has_notes and redis.call('HGET', KEYS[2], 'h:' .. note) or false
          found[#found + 1] = { id, fields, marks or '0', held }
        else
          redis.call('XACK', key, group, id)
          found[#found + 1] = { id, false, '0', false }
        end
      end
    end
    answer[#answer + 1] = found
  end
end
return answer
`,
);
