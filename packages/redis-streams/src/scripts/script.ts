import { createHash } from 'node:crypto';

/** A Lua script, known to the server by its hash. */
export interface Script {
  readonly source: string;
  readonly sha: string;
}

/** One that runs even where memory has run out: a backlog could not be worked off otherwise. */
export function script(...parts: readonly string[]): Script {
  return hashed(['#!lua flags=allow-oom', ...parts]);
}

/** One that takes in something new, which a server without memory refuses before anything is written. */
export function growing(...parts: readonly string[]): Script {
  return hashed(['#!lua', ...parts]);
}

function hashed(parts: readonly string[]): Script {
  const source = parts.join('\n');
  return { source, sha: createHash('sha1').update(source).digest('hex') };
}

/** Arguments are read in turn. */
export const reader = `
local at = 0
local function arg() at = at + 1; return ARGV[at] end
local function num() return tonumber(arg()) end
local function args(count) local from = at + 1; at = at + count; return from, at end
`;

/** The server's time in milliseconds. */
export const clock = `
local function now_ms() local t = redis.call('TIME'); return t[1] * 1000 + math.floor(t[2] / 1000) end
`;

/** A group's row of XINFO GROUPS as a table, or nil. */
export const groupInfo = `
local function group_info(stream, group)
  local rows = redis.pcall('XINFO', 'GROUPS', stream)
  if rows.err then return nil end
  for _, row in ipairs(rows) do
    local info = {}
    for i = 1, #row, 2 do info[row[i]] = row[i + 1] end
    if info.name == group then return info end
  end
  return nil
end
`;

/**
 * Copies of entries. A delayed one is a member of a sorted set, by its due time: a number that keeps the order of equal times,
 * then partition and fields. A few thousand fields are more than Lua can hand on: then all but the body become one, as JSON.
 */
export const copying = `
local function copy_fields(entry, set, keeps)
  local replaced = keeps and {} or { ['anymq-attempt'] = true, ['anymq-due'] = true, ['anymq-failure'] = true }
  for i = 1, #set, 2 do replaced[set[i]] = true end
  local fields = {}
  for i = 1, #entry, 2 do
    if not replaced[entry[i]] then fields[#fields + 1] = entry[i]; fields[#fields + 1] = entry[i + 1] end
  end
  for i = 1, #set do fields[#fields + 1] = set[i] end
  if #fields <= 7000 then return fields end
  local kept, folded = {}, {}
  for i = 1, #fields, 2 do
    local isOwn = fields[i] == 'data' or string.sub(fields[i], 1, 6) == 'anymq-' or string.sub(fields[i], 1, 3) == 'ce_'
    local to = (isOwn and #kept < 1000) and kept or folded
    to[#to + 1] = fields[i]; to[#to + 1] = fields[i + 1]
  end
  kept[#kept + 1] = 'anymq-headers'; kept[#kept + 1] = cjson.encode(folded)
  return kept
end
local function delay(set, meta, due, partition, fields)
  local number = redis.call('HINCRBY', meta, 'sent', 1)
  table.insert(fields, 1, tostring(partition))
  redis.call('ZADD', set, due, string.format('%016d', number) .. cmsgpack.pack(fields))
end
`;
