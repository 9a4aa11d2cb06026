import { copying, reader, script, type Script } from './script.ts';

/**
 * Moves dead letters back, as they were sent. KEYS: dead, streams. ARGV: of each: id, stream. Answers '1' for what was moved,
 * '0' for what was not there.
 */
export const requeue: Script = script(
  reader,
  copying,
  `
local answer = {}
while at < #ARGV do
  local id, stream = arg(), num()
  local entry = redis.call('XRANGE', KEYS[1], id, id)[1]
  if entry then
    local fields = {}
    for i = 1, #entry[2], 2 do
      local name = entry[2][i]
      -- An expiry would drop what somebody has just sent back.
      if name ~= 'anymq-expires' and name ~= 'anymq-again' then fields[#fields + 1] = name; fields[#fields + 1] = entry[2][i + 1] end
    end
    redis.call('XADD', KEYS[1 + stream], '*', unpack(copy_fields(fields, {})))
    redis.call('XDEL', KEYS[1], id)
  end
  answer[#answer + 1] = entry and '1' or '0'
end
return answer
`,
);
