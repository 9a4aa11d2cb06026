import { clock, reader, script, type Script } from './script.ts';

/**
 * A new generation of what this member holds, and the ids that are still its own, of each stream. KEYS: generations, streams.
 * ARGV: member, group.
 */
export const reconcile: Script = script(`
local member, group = ARGV[1], ARGV[2]
local generation = redis.call('HINCRBY', KEYS[1], '#', 1)
redis.call('HSET', KEYS[1], member, generation)
local answer = { tostring(generation) }
for i = 2, #KEYS do
  local ids = {}
  local last = '-'
  repeat
    local page = redis.call('XPENDING', KEYS[i], group, last, '+', 1000, member)
    for _, row in ipairs(page) do ids[#ids + 1] = row[1] end
    if #page > 0 then last = '(' .. page[#page][1] end
  until #page < 1000
  answer[i] = ids
end
return answer
`);

/** KEYS: alive, meta. ARGV: member, how long its heartbeat lasts, group. */
export const heartbeat: Script = script(
  clock,
  `
local now = now_ms()
redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
redis.call('HSET', KEYS[2], 'g:' .. ARGV[3], now)
return 1
`,
);

/**
 * Leases of what is in hand begin anew, without counting a delivery. KEYS: generations, streams. ARGV: member, generation,
 * group, then of each stream: its number, count, ids. Answers '0' for an older generation, else the ids that are gone, per stream.
 */
export const renew: Script = script(
  reader,
  `
local member, generation, group = arg(), arg(), arg()
if redis.call('HGET', KEYS[1], member) ~= generation then return 0 end
local answer = {}
while at < #ARGV do
  local stream, count = num(), num()
  local from, to = args(count)
  local command = { 'XCLAIM', KEYS[1 + stream], group, member, '0' }
  for i = from, to do command[#command + 1] = ARGV[i] end
  command[#command + 1] = 'JUSTID'
  local held = {}
  for _, id in ipairs(redis.call(unpack(command))) do held[id] = true end
  local gone = { stream }
  for i = from, to do if not held[ARGV[i]] then gone[#gone + 1] = ARGV[i] end end
  if #gone > 1 then answer[#answer + 1] = gone end
end
return answer
`,
);

/**
 * Takes what nobody has renewed for so long, oldest first, and ends the generation of whoever had it. KEYS: generations, notes,
 * alive, streams. ARGV: member, group, idle time, most to take. Answers of each: stream, id, fields, '1' when it was the
 * caller's own, starts. Members that are gone and hold nothing are removed.
 */
export const takeOver: Script = script(
  clock,
  `
local member, group, idle, limit = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local taken, robbed = {}, {}
for i = 4, #KEYS do
  local stream = i - 3
  local page = limit > 0 and redis.call('XPENDING', KEYS[i], group, 'IDLE', idle, '-', '+', limit) or {}
  for _, row in ipairs(page) do
    local id, owner = row[1], row[2]
    local entry = redis.call('XCLAIM', KEYS[i], group, member, idle, id)[1]
    if entry and entry[2] then
      local marks = redis.call('HGET', KEYS[2], 'm:' .. stream .. ':' .. id)
      taken[#taken + 1] = { stream, id, entry[2], owner == member and '1' or '0', marks or '0' }
      limit = limit - 1
    else redis.call('XACK', KEYS[i], group, id) end
    if owner ~= member then robbed[owner] = true end
  end
end
for owner in pairs(robbed) do
  redis.call('HDEL', KEYS[1], owner)
  local score = redis.call('ZSCORE', KEYS[3], owner)
  if not score or tonumber(score) < now_ms() then
    for i = 4, #KEYS do
      if #redis.call('XPENDING', KEYS[i], group, '-', '+', 1, owner) == 0 then redis.call('XGROUP', 'DELCONSUMER', KEYS[i], group, owner) end
    end
  end
end
return taken
`,
);

/**
 * Entries of this member that it does not know: their reply was lost on the way. KEYS: stream. ARGV: member, group, ids.
 * Answers ids and fields.
 */
export const fetchOwn: Script = script(`
local entries = {}
for i = 3, #ARGV do
  local entry = redis.call('XRANGE', KEYS[1], ARGV[i], ARGV[i])[1]
  if entry then entries[#entries + 1] = entry else redis.call('XACK', KEYS[1], ARGV[2], ARGV[i]) end
end
return entries
`);

/** The member is gone for good. What it still holds is left to the others. KEYS: alive, generations, streams. ARGV: member, group. */
export const leave: Script = script(`
redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('HDEL', KEYS[2], ARGV[1])
for i = 3, #KEYS do
  local pending = redis.pcall('XPENDING', KEYS[i], ARGV[2], '-', '+', 1, ARGV[1])
  if not pending.err and #pending == 0 then redis.pcall('XGROUP', 'DELCONSUMER', KEYS[i], ARGV[2], ARGV[1]) end
end
return 1
`);

/**
 * Removes members that died idle, and drops of a topic without history what every group is done with. A group without a
 * member for `abandoned` ms holds up nothing any more. KEYS: meta, alive, stream. ARGV: group, idle time, '1' to trim, abandoned.
 */
export const tidy: Script = script(
  clock,
  `
local meta, alive, stream = KEYS[1], KEYS[2], KEYS[3]
local now = now_ms()
local members = redis.pcall('XINFO', 'CONSUMERS', stream, ARGV[1])
if not members.err then
  for _, row in ipairs(members) do
    local info = {}
    for i = 1, #row, 2 do info[row[i]] = row[i + 1] end
    local score = redis.call('ZSCORE', alive, info.name)
    if info.pending == 0 and info.idle > tonumber(ARGV[2]) and (not score or tonumber(score) < now) then
      redis.call('XGROUP', 'DELCONSUMER', stream, ARGV[1], info.name)
    end
  end
end
if ARGV[3] ~= '1' then return 0 end
local function parts(id) local ms, seq = string.match(id, '^(%d+)-(%d+)$'); return tonumber(ms), tonumber(seq) end
local function less(a, b)
  local am, as = parts(a); local bm, bs = parts(b)
  return am < bm or (am == bm and as < bs)
end
local rows, lowest = redis.pcall('XINFO', 'GROUPS', stream), nil
if rows.err then return 0 end
for _, row in ipairs(rows) do
  local info = {}
  for i = 1, #row, 2 do info[row[i]] = row[i + 1] end
  local seen = tonumber(redis.call('HGET', meta, 'g:' .. info.name) or now)
  if now - seen < tonumber(ARGV[4]) then
    local need = info['last-delivered-id']
    if info.pending > 0 then
      local first = redis.call('XPENDING', stream, info.name)[2]
      if less(first, need) then need = first end
    else
      -- Everything up to it is done with, itself included: only what follows is needed.
      local ms, seq = parts(need)
      need = string.format('%.0f-%.0f', ms, seq + 1)
    end
    if not lowest or less(need, lowest) then lowest = need end
  end
end
if not lowest then return 0 end
return redis.call('XTRIM', stream, 'MINID', lowest)
`,
);
