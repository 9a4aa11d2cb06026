import { clock, groupInfo, reader, script, type Script } from './script.ts';

/**
 * Makes or compares one destination. KEYS: meta, then its streams, then of each group its own streams. ARGV: '1' to make what is
 * missing, kind, partitions, retention or 'none', number of streams, then of each group: name, where it begins, number of its
 * own streams. Answers kind, partitions and retention as they were, and what was made or is missing: '' is the destination itself.
 */
export const provision: Script = script(
  reader,
  groupInfo,
  `
local makes, kind, partitions, retention, count = arg() == '1', arg(), arg(), arg(), num()
local meta = KEYS[1]
local is = redis.call('HMGET', meta, 'kind', 'partitions', 'retention')
local missing = {}
if not is[1] then
  missing[1] = ''
  if makes then redis.call('HSET', meta, 'kind', kind, 'partitions', partitions, 'retention', retention) end
elseif is[1] ~= kind or is[2] ~= partitions then
  return { is, missing }
end
local key = 2 + count
while at < #ARGV do
  local group, start, own = arg(), arg(), num()
  local is_missing = false
  for i = 2, 1 + count do
    if not group_info(KEYS[i], group) then
      is_missing = true
      if makes then redis.call('XGROUP', 'CREATE', KEYS[i], group, start, 'MKSTREAM') end
    end
  end
  for i = key, key + own - 1 do
    if makes and not group_info(KEYS[i], group) then redis.call('XGROUP', 'CREATE', KEYS[i], group, '0', 'MKSTREAM') end
  end
  key = key + own
  if is_missing then missing[#missing + 1] = group end
  if makes then redis.call('HSETNX', meta, 'g:' .. group, string.format('%.0f', redis.call('TIME')[1] * 1000)) end
end
return { is, missing }
`,
);

/** Groups that a destination has, by its meta and its first stream. KEYS: meta, stream. */
export const groups: Script = script(`
local found, seen = {}, {}
local function add(name) if not seen[name] then seen[name] = true; found[#found + 1] = name end end
for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do if string.sub(field, 1, 2) == 'g:' then add(string.sub(field, 3)) end end
local rows = redis.pcall('XINFO', 'GROUPS', KEYS[2])
if not rows.err then for _, row in ipairs(rows) do add(row[2]) end end
return found
`);

/** KEYS: meta, streams. ARGV: group. The group's own keys are deleted apart. */
export const removeGroup: Script = script(`
redis.call('HDEL', KEYS[1], 'g:' .. ARGV[1])
for i = 2, #KEYS do redis.pcall('XGROUP', 'DESTROY', KEYS[i], ARGV[1]) end
return 1
`);

/**
 * Begins anew after an id, with nothing pending. KEYS: alive, streams. ARGV: group, id. Answers 0 while the group has members.
 */
export const seek: Script = script(
  clock,
  `
if redis.call('ZCOUNT', KEYS[1], now_ms(), '+inf') > 0 then return 0 end
for i = 2, #KEYS do
  redis.call('XGROUP', 'DESTROY', KEYS[i], ARGV[1])
  redis.call('XGROUP', 'CREATE', KEYS[i], ARGV[1], ARGV[2], 'MKSTREAM')
end
return 1
`,
);

/**
 * KEYS: owners, dead, sets of the delayed (number in ARGV), streams, own streams. ARGV: group, 'queue' or 'topic', number of
 * sets, of streams, '1' when ordered. Answers waiting, in flight, delayed, dead, age of the oldest or -1, '1' when exact.
 */
export const inspect: Script = script(
  reader,
  clock,
  groupInfo,
  `
local group, kind, sets, streams, ordered = arg(), arg(), num(), num(), arg() == '1'
local waiting, in_flight, delayed, exact = 0, 0, 0, '1'
local now, oldest = now_ms(), nil
local function age_of(id) local ms = tonumber(string.match(id, '^%d+')); if not oldest or ms < oldest then oldest = ms end end
local function count_after(key, id, most)
  local found, from = 0, '(' .. id
  repeat
    local page = redis.call('XRANGE', key, from, '+', 'COUNT', 1000)
    found = found + #page
    if #page > 0 then from = '(' .. page[#page][1] end
  until #page < 1000 or found >= most
  if found >= most then exact = '0' end
  return found
end
for i = 1, sets do delayed = delayed + redis.call('ZCARD', KEYS[2 + i]) end
for i = 3 + sets, #KEYS do
  local key, is_own = KEYS[i], i >= 3 + sets + streams
  local info = group_info(key, group)
  if not info then
    if not is_own then return redis.error_reply('NOGROUP No such group') end
  else
    local last, pending, length = info['last-delivered-id'], info.pending, redis.call('XLEN', key)
    local next_entry = redis.call('XRANGE', key, '(' .. last, '+', 'COUNT', 1)[1]
    if next_entry then age_of(next_entry[1]) end
    if is_own or kind == 'queue' then waiting = waiting + length - pending
    elseif next_entry then
      local first = redis.call('XRANGE', key, '-', '+', 'COUNT', 1)[1]
      if first and first[1] == next_entry[1] then waiting = waiting + length
      elseif info.lag and info.lag <= length then waiting = waiting + info.lag
      else waiting = waiting + count_after(key, last, 100000) end
    end
    local is_held = true
    if ordered then
      local partition = (i - 3 - sets) % streams
      local ends, owner = string.match(redis.call('HGET', KEYS[1], partition) or '0|0|', '^%d+|(%d+)|(.*)$')
      is_held = owner ~= '' and tonumber(ends) > now
    end
    if is_held then in_flight = in_flight + pending
    elseif pending > 0 then
      waiting = waiting + pending
      age_of(redis.call('XPENDING', key, group)[2])
    end
  end
end
return { waiting, in_flight, delayed, redis.call('XLEN', KEYS[2]), oldest and math.max(0, now - oldest) or -1, exact }
`,
);
